import type { Weight } from '../graph.ts';

/** Keeps one weight for each type, shape and content: gives the first that was alike, or the given one from now on. */
export function distinctWeights(): (weight: Weight) => Weight {
  const kept = new Map<string, Weight[]>();
  return (weight) => {
    const key = [weight.dtype, weight.shape, hash(bytesOf(weight))].join(' ');
    const alike = kept.get(key) ?? [];
    const found = alike.find((other) => sameBytes(bytesOf(other), bytesOf(weight)));
    if (!found) kept.set(key, [...alike, weight]);
    return found ?? weight;
  };
}

const bytesOf = ({ data }: Weight): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a (Fowler, Noll, Vo), 32 bits. */
function hash(bytes: Uint8Array): number {
  const { imul } = Math;
  let value = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) value = imul(value ^ bytes[i]!, 0x01000193);
  return value;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
