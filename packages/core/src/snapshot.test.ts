import fc from 'fast-check';
import { CqError, memoryStore, readSnapshot, writeSnapshot, type Snapshot } from './index.ts';

const arrays = fc.dictionary(
  fc.string(),
  fc.oneof(fc.float32Array(), fc.float64Array(), fc.int32Array(), fc.uint8Array()),
  { maxKeys: 4 },
);

test('it comes back bit for bit, NaN and -0 among the numbers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), arrays, async (state, given) => {
      const store = memoryStore();
      await writeSnapshot(store, 'key', { state, arrays: given });
      const back = (await readSnapshot(store, 'key'))!;
      expect(JSON.stringify(back.state)).toBe(JSON.stringify(state));
      expect(described(back)).toEqual(described({ state, arrays: given }));
    }),
  );
});

const described = ({ arrays }: Snapshot) =>
  Object.entries(arrays).map(([name, array]) => [
    name,
    array[Symbol.toStringTag],
    [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)],
  ]);

test('an array is written as far as it reaches, not its whole buffer', async () => {
  const store = memoryStore();
  const part = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
  await writeSnapshot(store, 'key', { state: null, arrays: { part } });
  expect((await readSnapshot(store, 'key'))!.arrays).toEqual({ part: Float32Array.of(1, 2) });
});

test('nothing there is undefined; anything shorter or longer than a snapshot is refused', async () => {
  const store = memoryStore();
  expect(await readSnapshot(store, 'key')).toBeUndefined();
  await writeSnapshot(store, 'key', { state: { step: 3 }, arrays: { a: Float32Array.of(1, 2), b: Uint8Array.of(5) } });
  const whole = (await store.read('key'))!;
  const wrong = [...whole.keys()].map((length) => whole.slice(0, length)).concat(Uint8Array.of(...whole, 0));
  for (const bytes of wrong) {
    await store.write('key', bytes);
    await expect(readSnapshot(store, 'key')).rejects.toThrow(
      new CqError('store: "key" must be a whole snapshot; remove it'),
    );
  }
});
