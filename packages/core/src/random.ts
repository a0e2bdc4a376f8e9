import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Random numbers that the same seeds give again, on every engine. */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** In 0 … below − 1. */
  integer(below: number): number;
}

/**
 * Numbers of their own for every list of seeds. What is drawn at step 7 comes from `randomOf(seed, 7)`, so that the step
 * is all there is to remember.
 */
export function randomOf(...seeds: readonly number[]): Random {
  const generator = xoroshiro128plus(seeds.reduce(mixed, 0x9e3779b9));
  return { uniform: () => uniformFloat64(generator), integer: (below) => uniformInt(generator, 0, below - 1) };
}

/** 0 … size − 1 in random order (Fisher and Yates). */
export function permutation(size: number, random: Random): number[] {
  const order = Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** A step of MurmurHash3's mixing for the low 32 bits of a seed, another for the rest. */
function mixed(hash: number, seed: number): number {
  for (const word of [seed | 0, Math.floor(seed / 2 ** 32) | 0]) {
    hash = Math.imul(hash ^ word, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash;
}
