import { createHash } from 'node:crypto';
import { digestChain } from './digest.ts';

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

test('the digest of one tensor is the SHA-256 of its little-endian bytes', async () => {
  const chain = digestChain();
  await chain.add(Float32Array.of(1, -2.5));
  expect(chain.hex()).toBe(sha256(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0])).toString('hex'));
});

test('each further tensor is hashed behind the digest so far', async () => {
  const [a, b] = [Buffer.alloc(4), Buffer.alloc(4)];
  a.writeFloatLE(3);
  b.writeFloatLE(4);
  const chain = digestChain();
  await chain.add(Float32Array.of(3));
  await chain.add(Float32Array.of(4));
  expect(chain.hex()).toBe(sha256(sha256(a), b).toString('hex'));
});

test('order counts', async () => {
  const [one, other] = [digestChain(), digestChain()];
  for (const value of [1, 2]) await one.add(Float32Array.of(value));
  for (const value of [2, 1]) await other.add(Float32Array.of(value));
  expect(one.hex()).not.toBe(other.hex());
});
