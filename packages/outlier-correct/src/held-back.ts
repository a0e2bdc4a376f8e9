import { subset, type Dataset } from '@cq/core';

/** Data in two: a fraction of the examples, evenly spread, is held back from the others. Neither is ever empty. */
export function heldBack(data: Dataset, fraction: number): { readonly used: Dataset; readonly held: Dataset } {
  const count = Math.min(Math.max(1, Math.round(fraction * data.size)), Math.max(1, data.size - 1));
  const indices = evenly(data.size, count);
  const used = Array.from({ length: data.size }, (_, i) => i).filter((i) => !indices.includes(i));
  return { used: used.length > 0 ? subset(data, used) : data, held: subset(data, indices) };
}

/** At most so many examples, evenly spread. */
export function thinned(data: Dataset, count: number): Dataset {
  return data.size <= count ? data : subset(data, evenly(data.size, count));
}

const evenly = (size: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * size) / count));
