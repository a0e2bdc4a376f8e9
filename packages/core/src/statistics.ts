import { CqError } from './errors.ts';

/** A fold over the tensors that one value takes while data run through the model. Its memory does not grow. */
export interface Statistic<State, Result> {
  start(): State;
  /** One more tensor, row-major. May change `state` in place. */
  update(state: State, values: Float32Array, shape: readonly number[]): State;
  finish(state: State, value: string): Result;
}

/** How often each magnitude occurred: counts over equal bins around zero, and the exact extremes. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Number of values seen. */
  readonly count: number;
  /** `counts[i]` values lay in `[(i − half) · width, (i + 1 − half) · width)`, half = counts.length / 2. */
  readonly counts: Float64Array;
  readonly width: number;
}

/**
 * Collects a histogram in one sweep, with no range given before: the bins have a power-of-two width that doubles, by
 * merging neighbours, whenever a value lies outside. So the same data give the same counts in whatever order.
 */
export function histogram(bins = 8192): Statistic<Growing, Histogram> {
  const half = bins / 2;
  return {
    start: () => ({ min: Infinity, max: -Infinity, count: 0, counts: new Float64Array(bins), width: 2 ** -40 }),
    update(state, values) {
      let { min, max, width } = state;
      let sum = 0; // Not finite if any value is not.
      for (let i = 0; i < values.length; i++) {
        const x = values[i]!;
        sum += x;
        if (x < min) min = x;
        if (x > max) max = x;
      }
      if (!Number.isFinite(sum) || Number.isNaN(state.min)) return { ...state, min: NaN, max: NaN };
      while (Math.max(-min, max) >= half * width) {
        mergeNeighbours(state.counts);
        width *= 2;
      }
      const scale = 1 / width;
      for (let i = 0; i < values.length; i++) state.counts[floor(values[i]! * scale) + half]! += 1;
      return { min, max, count: state.count + values.length, counts: state.counts, width };
    },
    finish(state, value) {
      if (Number.isNaN(state.min)) {
        throw new CqError(
          `observe: "${value}" takes NaN or infinite values on this data; check the data and the model`,
        );
      }
      if (state.count === 0) throw new CqError(`observe: "${value}" was never seen; the data are empty`);
      return state;
    },
  };
}

type Growing = Histogram;

const { floor } = Math;

/** Bins of twice the width, in place: the halves left and right of zero shrink towards it. */
function mergeNeighbours(counts: Float64Array): void {
  const half = counts.length / 2;
  for (let i = 0; i < half / 2; i++) {
    counts[half + i] = counts[half + 2 * i]! + counts[half + 2 * i + 1]!;
    counts[half - 1 - i] = counts[half - 1 - 2 * i]! + counts[half - 2 - 2 * i]!;
  }
  counts.fill(0, 0, half / 2);
  counts.fill(0, half + half / 2);
}
