import { safetensors } from './safetensors.ts';

test('a length, a JSON header padded to 8 bytes, then the values in order', () => {
  const bytes = safetensors(
    new Map([
      ['a', Float32Array.of(1, 2, 3)],
      ['b', Float32Array.of(-4)],
    ]),
    new Map([
      ['a', [1, 3]],
      ['b', [1]],
    ]),
  );
  const length = Number(bytes.readBigUInt64LE());
  expect(length % 8).toBe(0);
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, unknown>;
  expect(header['a']).toEqual({ dtype: 'F32', shape: [1, 3], data_offsets: [0, 12] });
  expect(header['b']).toEqual({ dtype: 'F32', shape: [1], data_offsets: [12, 16] });
  expect([0, 4, 8, 12].map((offset) => bytes.readFloatLE(8 + length + offset))).toEqual([1, 2, 3, -4]);
});
