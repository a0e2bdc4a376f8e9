import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** Puts `items` in a random order, in place (Fisher and Yates). */
export function shuffle<T>(items: T[], random: RandomGenerator): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
