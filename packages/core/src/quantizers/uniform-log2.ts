import { roundHalfEven } from '../runtime/arithmetic.ts';
import { readAxis, writeAxis } from './attributes.ts';
import { cellArithmetic, type Cells } from './cells.ts';
import { exponentialCells } from './exponential.ts';
import type { QuantizerRow, Scaled } from './row.ts';

/**
 * Uniform in u = −log2(x / scale) between `lower` L and `truncation` T, in n = 2^bits − 1 steps; the top code is 0:
 *
 *     q = round((clip(u, L, T) − L) / Δ),  Δ = (T − L) / (n − 1);  0 where u > T + Δ / 2
 *     value of code q = scale · 2^(−e[q]),  e[q] the multiple of 1 / base nearest to q · Δ + L, of those below T + Δ / 2
 *
 * Base 1 makes shifts of products, base 2 a shift and a √2, others what a table of levels holds. Reconstruction of TP-ViT's truncated uniform-log2 quantizer
 * (Zhou et al. 2026), after SULQ of I&S-ViT (Zhong et al. 2023).
 */
export interface UniformLog2Quantizer extends Scaled {
  readonly kind: 'uniform-log2';
  /** 2 to 8. */
  readonly bits: number;
  /** 1 to 16. */
  readonly base: number;
  /** -64 to 64, as `truncation`. */
  readonly lower: number;
  /** Above `lower`. */
  readonly truncation: number;
}

export const uniformLog2Row: QuantizerRow<UniformLog2Quantizer> = {
  ...cellArithmetic((form) => uniformLog2Cells(2 ** form.bits - 1, form), 'descending'),
  write: ({ bits, base, lower, truncation, ...form }) => ({ bits, base, lower, truncation, ...writeAxis(form) }),
  read(attributes) {
    const bits = attributes.integer('bits', 2, 8);
    const base = attributes.integer('base', 1, 16);
    const [lower, truncation] = [attributes.number('lower', -64, 64), attributes.number('truncation', -64, 64)];
    if (!(lower < truncation)) attributes.fail(`truncation must be above lower, ${lower}`, truncation);
    return { kind: 'uniform-log2', bits, base, lower, truncation, ...readAxis(attributes) };
  },
};

/** Cells of `count` powers and a zero. */
export function uniformLog2Cells(
  count: number,
  { lower, truncation, base }: Pick<UniformLog2Quantizer, 'lower' | 'truncation' | 'base'>,
): Cells {
  const step = (truncation - lower) / (count - 1);
  const ends = Array.from({ length: count }, (_, code) => (code + 0.5) * step + lower);
  const last = Math.ceil(ends.at(-1)! * base) - 1;
  const exponents = ends.map((_, code) => Math.min(roundHalfEven((code * step + lower) * base), last) / base);
  return exponentialCells(exponents, ends);
}
