import { CqError, type Statistic } from '@cq/core';

/** Σ x² over tokens for every channel of a value [.., channels]: the squares of the norms that Wanda takes. */
export const squares: Statistic<Float64Array, Float64Array> = {
  start: () => new Float64Array(0),
  update(state, values, shape) {
    const channels = shape.at(-1)!;
    const sums = state.length === 0 ? new Float64Array(channels) : state;
    for (let i = 0, c = 0; i < values.length; i++) {
      sums[c]! += values[i]! * values[i]!;
      if (++c === channels) c = 0;
    }
    return sums;
  },
  finish(state, value) {
    if (!state.every(Number.isFinite))
      throw new CqError(`prune: "${value}" takes NaN or infinite values on this data; check the data and the model`);
    return state;
  },
};
