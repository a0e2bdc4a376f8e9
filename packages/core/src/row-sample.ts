import type { Statistic } from './statistics.ts';

/** Rows of an observed value, [..., channels], as a matrix. */
export interface Rows {
  /** [rows, channels] */
  readonly data: Float32Array;
  readonly channels: number;
}

/** Of every tensor at most `share` rows for each of its examples, evenly spaced. */
export function rowSample(share: number): Statistic<Float32Array[], Rows> {
  return {
    start: () => [],
    update(kept, values, shape) {
      const channels = shape.at(-1)!;
      const rows = values.length / channels;
      const count = Math.min(rows, share * shape[0]!);
      for (let i = 0; i < count; i++) {
        const at = Math.floor((i * rows) / count) * channels;
        kept.push(values.slice(at, at + channels));
      }
      return kept;
    },
    finish(kept) {
      const channels = kept[0]?.length ?? 0;
      const data = new Float32Array(kept.length * channels);
      kept.forEach((row, i) => data.set(row, i * channels));
      return { data, channels };
    },
  };
}
