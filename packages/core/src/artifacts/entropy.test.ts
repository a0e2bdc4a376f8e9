import fc from 'fast-check';
import { entropyCoded, entropyDecoded } from './entropy.ts';

const bytesOf = (length: number, at: (i: number) => number): Uint8Array => Uint8Array.from({ length }, (_, i) => at(i));

test('bytes come back as they were, whatever they are', () => {
  const some = fc.uint8Array({ maxLength: 4000 });
  const few = fc.array(fc.constantFrom(0, 0, 0, 7, 255), { maxLength: 4000 }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.oneof(some, few), (bytes) => {
      expect(entropyDecoded(entropyCoded(bytes), bytes.length, 'w')).toEqual(bytes);
    }),
  );
});

test('one byte that is nearly everywhere leaves room for 255 that are there once', () => {
  const bytes = bytesOf(60_000, (i) => (i < 256 ? i : i % 50 === 0 ? (i / 50) % 40 : 0));
  expect(entropyDecoded(entropyCoded(bytes), bytes.length, 'w')).toEqual(bytes);
});

test('no byte takes more than 2 % beyond the entropy', () => {
  const bytes = bytesOf(200_000, (i) => ((Math.imul(i + 1, 2654435761) >>> 16) & 1 ? 0 : (i * i) % 61));
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  const bits = [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / bytes.length), 0);
  const stream = entropyCoded(bytes).length - 516;
  expect(stream).toBeGreaterThan((0.999 * bits) / 8 - 4);
  expect(stream).toBeLessThan((1.02 * bits) / 8);
});

const sound = entropyCoded(bytesOf(5000, (i) => (i % 3 === 0 ? i % 7 : 0)));
const changed = (change: (copy: DataView) => void): Uint8Array => {
  const copy = sound.slice();
  change(new DataView(copy.buffer));
  return copy;
};

test.each<[string, Uint8Array, number, RegExp]>([
  ['nothing', new Uint8Array(3), 5000, /w: coded bytes must have 516 bytes or more, got 3/],
  ['other frequencies', changed((view) => view.setUint16(0, 1, true)), 5000, /must have frequencies with the sum 4096/],
  [
    'no state',
    changed((view) => view.setUint32(512, 5, true)),
    5000,
    /must begin with a state of 24 to 31 bits, got 5/,
  ],
  ['a large state', changed((view) => view.setUint32(512, 2 ** 31, true)), 5000, /must begin with a state/],
  ['an end too early', sound.slice(0, -9), 5000, /must have all of their 5000 bytes/],
  ['something behind the end', Uint8Array.of(...sound, 1), 5000, /must end with byte 5000, got 1/],
  ['fewer bytes', sound, 4000, /must end with byte 4000/],
  ['a billion zeros of a few bytes', sound, 2 ** 30, /at most 64 times as many bytes as they are, got 1073741824/],
])('%s is refused', (_, coded, length, message) => {
  expect(() => entropyDecoded(coded, length, 'w')).toThrow(message);
});

test('whatever is in a file gives bytes of that length or one error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const copy = sound.slice();
        for (const [at, byte] of changes) copy[at] = byte;
        let decoded: Uint8Array | undefined;
        try {
          decoded = entropyDecoded(copy, 5000, 'w');
        } catch (error) {
          expect((error as Error).name).toBe('CqError');
        }
        if (decoded) expect(decoded).toHaveLength(5000);
      },
    ),
  );
});
