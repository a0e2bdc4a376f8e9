import { evenly, heldBack, subset, type Dataset } from '@cq/core';

/** Data in two: a fraction of the examples, evenly spread, is held back from the others. Neither is ever empty. */
export function withHeldBack(data: Dataset, fraction: number): { readonly used: Dataset; readonly held: Dataset } {
  const { used, held } = heldBack(data.size, Math.round(fraction * data.size));
  return { used: subset(data, used), held: subset(data, held) };
}

/** At most so many examples, evenly spread. */
export function thinned(data: Dataset, count: number): Dataset {
  return data.size <= count ? data : subset(data, evenly(data.size, count, 0.5));
}
