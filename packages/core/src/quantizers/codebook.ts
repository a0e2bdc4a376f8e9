import { readAxis, writeAxis } from './attributes.ts';
import { cellArithmetic, type Cells } from './cells.ts';
import { leastFloat } from './least-float.ts';
import type { Form, QuantizerRow, Scaled } from './row.ts';

/**
 * value of code q = levels[q] · scale; x has code q if boundaries[q − 1] <= x / scale < boundaries[q]. Anything that its
 * inventor likes; the tables are constants of the model.
 */
export interface CodebookQuantizer extends Scaled, Cells {
  readonly kind: 'codebook';
  /** 1 to 8. */
  readonly bits: number;
}

export const codebookRow: QuantizerRow<CodebookQuantizer> = {
  ...cellArithmetic((form: Form<CodebookQuantizer>) => form, 'ascending'),
  write: ({ bits, ...form }) => ({ bits, ...writeAxis(form) }),
  tables: ({ levels, boundaries }) => ({ levels, boundaries }),
  read(attributes) {
    const bits = attributes.integer('bits', 1, 8);
    const [levels, boundaries] = [attributes.floats(0), attributes.floats(1)];
    const soundLevels = levels.length === 2 ** bits && ascends(levels) && levels.every(Number.isFinite);
    if (!soundLevels) attributes.fail(`levels must be ${2 ** bits} finite numbers in ascending order`, levels.length);
    if (boundaries.length !== levels.length - 1 || !ascends(boundaries))
      attributes.fail(`boundaries must be ${levels.length - 1} numbers in ascending order`, boundaries.length);
    return { kind: 'codebook', bits, levels, boundaries, ...readAxis(attributes) };
  },
};

const ascends = (values: Float32Array): boolean => values.every((value, i) => i === 0 || values[i - 1]! <= value);

/** Each value to the nearest of up to 256 levels in any order, in units of `scale`; halves go to the even code. */
export function codebook(levels: ArrayLike<number>, scale = 1): CodebookQuantizer {
  const given = Float32Array.from(levels, (level) => level + 0).sort();
  const bits = Math.max(1, Math.ceil(Math.log2(given.length)));
  const last = given.length - 1;
  const padded = Float32Array.from({ length: 2 ** bits }, (_, code) => given[Math.min(code, last)]!);
  const boundaries = Float32Array.from({ length: 2 ** bits - 1 }, (_, code) =>
    code < last ? leastFloat((given[code]! + given[code + 1]!) / 2, code % 2 === 1) : Infinity,
  );
  return { kind: 'codebook', bits, levels: padded, boundaries, scale: Float32Array.of(scale) };
}
