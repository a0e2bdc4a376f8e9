import { addTokens, finishGram, startGram, type Gram, type Statistic } from '@cq/core';

/** Rows of an observed value, [.., channels], as a matrix. */
export interface Tokens {
  /** [tokens, channels] */
  readonly data: Float32Array;
  readonly channels: number;
}

/** All rows that a value took, and how many axes it has. */
export interface AllTokens extends Tokens {
  readonly rank: number;
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

/** Every row of every tensor. */
export function allTokens(): Statistic<AllTokens[], AllTokens> {
  return {
    start: () => [],
    update(parts, values, shape) {
      parts.push({ data: values, channels: shape.at(-1)!, rank: shape.length });
      return parts;
    },
    finish(parts) {
      const [{ channels, rank }] = parts as [AllTokens];
      const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
      let at = 0;
      for (const part of parts) {
        data.set(part.data, at);
        at += part.data.length;
      }
      return { data, channels, rank };
    },
  };
}

/** All that layers behind these tokens need to know about them. */
export function gramOf({ data, channels }: Tokens, value: string): Gram {
  const sum = startGram(channels);
  addTokens(sum, data);
  return finishGram(sum, value);
}
