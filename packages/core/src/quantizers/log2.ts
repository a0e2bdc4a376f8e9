import { readAxis, writeAxis } from './attributes.ts';
import { cellArithmetic, type Cells } from './cells.ts';
import { exponentialCells } from './exponential.ts';
import type { Form, QuantizerRow, Scaled } from './row.ts';

/**
 * value of code q = scale · 2^(−q / base), of the top code 0. Values are rounded on the logarithm's scale, so that
 * 0.7 goes to 0.5. Base 1: FQ-ViT (Lin et al. 2022), base 2: RepQ-ViT (Li et al. 2023), both with a zero of its own
 * beside their 2^b codes.
 */
export interface Log2Quantizer extends Scaled {
  readonly kind: 'log2';
  /** 1 to 8. */
  readonly bits: number;
  /** 2: levels are √2 apart. */
  readonly base: 1 | 2;
}

export const log2Row: QuantizerRow<Log2Quantizer> = {
  ...cellArithmetic(log2Cells, 'descending'),
  write: ({ bits, base, ...form }) => ({ bits, base, ...writeAxis(form) }),
  read: (attributes) => ({
    kind: 'log2',
    bits: attributes.integer('bits', 1, 8),
    base: attributes.integer('base', 1, 2) as 1 | 2,
    ...readAxis(attributes),
  }),
};

function log2Cells({ bits, base }: Form<Log2Quantizer>): Cells {
  const codes = Array.from({ length: 2 ** bits - 1 }, (_, code) => code);
  return exponentialCells(
    codes.map((code) => code / base),
    codes.map((code) => (code + 0.5) / base),
  );
}
