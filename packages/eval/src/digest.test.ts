import { createHash } from 'node:crypto';
import { sequenceDigest } from './digest.ts';

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

function bytesOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

test('the digest is the SHA-256 of those of the little-endian bytes', async () => {
  const digest = sequenceDigest(2);
  await digest.set(0, Float32Array.of(1, -2.5));
  await digest.set(1, Float32Array.of(3));
  const expected = sha256(sha256(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0])), sha256(bytesOf(3)));
  expect(await digest.hex()).toBe(expected.toString('hex'));
});

test('it counts where a tensor stands, not when it comes', async () => {
  const [one, same, other] = [sequenceDigest(2), sequenceDigest(2), sequenceDigest(2)];
  for (const index of [0, 1]) await one.set(index, Float32Array.of(index));
  for (const index of [1, 0]) await same.set(index, Float32Array.of(index));
  for (const index of [0, 1]) await other.set(index, Float32Array.of(1 - index));
  expect(await same.hex()).toBe(await one.hex());
  expect(await other.hex()).not.toBe(await one.hex());
});
