import type { Part } from './groups.ts';

/** Sums over the entries of a weight that belong to each unit. */
export function perUnit(units: number, { size, unitOf }: Part, term: (entry: number) => number): Float64Array {
  const sums = new Float64Array(units);
  for (let entry = 0; entry < size; entry++) sums[unitOf(entry)]! += term(entry);
  return sums;
}
