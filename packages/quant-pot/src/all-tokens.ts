import { addTokens, finishGram, startGram, type Gram, type Rows, type Statistic } from '@cq/core';

/** All rows that a value took, and how many axes it has. */
export interface AllTokens extends Rows {
  readonly rank: number;
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
export function gramOf({ data, channels }: Rows, value: string): Gram {
  const sum = startGram(channels);
  addTokens(sum, data);
  return finishGram(sum, value);
}
