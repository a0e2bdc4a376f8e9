import { sizeOf } from './op.ts';

/** Which entries of a tensor share a scale. */
export interface Granularity {
  /** The axis kept: one scale for each index along it. Absent: one for the tensor. */
  readonly axis?: number;
  /** Along the other axes one scale for so many consecutive entries, in the order [channel][group]. Absent: one for all. */
  readonly group?: number;
}

/** How many scales a tensor has. */
export function scaleCount(shape: readonly number[], { axis, group }: Granularity): number {
  if (axis === undefined) return 1;
  const channels = shape[axis]!;
  return group === undefined ? channels : channels * Math.ceil(sizeOf(shape) / channels / group);
}

/** Calls `run` for the runs of entries that share a scale, from the first entry to the last in row-major order. */
export function eachRun(
  shape: readonly number[],
  { axis, group }: Granularity,
  run: (scale: number, start: number, end: number) => void,
): void {
  const size = sizeOf(shape);
  if (size === 0) return;
  const channels = axis === undefined ? 1 : shape[axis]!;
  const inner = axis === undefined ? size : sizeOf(shape.slice(axis + 1));
  const entries = size / channels;
  const share = group ?? entries;
  const groups = Math.ceil(entries / share);
  for (let at = 0, outer = 0; at < size; outer += inner) {
    for (let channel = 0; channel < channels; channel++) {
      for (let entry = outer; entry < outer + inner;) {
        const end = Math.min(outer + inner, entry + share - (entry % share));
        run(channel * groups + Math.floor(entry / share), at, at + end - entry);
        at += end - entry;
        entry = end;
      }
    }
  }
}
