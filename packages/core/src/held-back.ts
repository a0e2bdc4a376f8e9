import { evenly } from './evenly.ts';

/** Examples by what they are for. */
export interface Shares {
  /** Codes, ranges and training see these. */
  readonly used: readonly number[];
  /** These decide what is kept. Nothing is fitted on them: an error that codes were chosen on is too small to be beaten. */
  readonly held: readonly number[];
}

/** `count` examples, evenly spaced, held back from the others; of a single example both shares are the same. */
export function heldBack(size: number, count: number): Shares {
  const all = Array.from({ length: size }, (_, i) => i);
  if (size === 1) return { used: all, held: all };
  const held = evenly(size, Math.max(1, Math.min(count, size - 1)), 0.5);
  const apart = new Set(held);
  return { used: all.filter((i) => !apart.has(i)), held };
}
