import type { Statistic } from '@cq/core';

/** Rows of an observed value, [.., channels], as a matrix. */
export interface Tokens {
  /** [tokens, channels] */
  readonly data: Float32Array;
  readonly channels: number;
}

/** Of every tensor at most `share` rows for each of its examples, evenly spaced. */
export function tokenSample(share: number): Statistic<readonly Float32Array[], Tokens> {
  return {
    start: () => [],
    update(rows, values, shape) {
      const channels = shape.at(-1)!;
      const tokens = values.length / channels;
      const count = Math.min(tokens, share * shape[0]!);
      const kept = Array.from({ length: count }, (_, i) => {
        const at = Math.floor((i * tokens) / count) * channels;
        return values.slice(at, at + channels);
      });
      return [...rows, ...kept];
    },
    finish(rows) {
      const channels = rows[0]?.length ?? 0;
      const data = new Float32Array(rows.length * channels);
      rows.forEach((row, i) => data.set(row, i * channels));
      return { data, channels };
    },
  };
}
