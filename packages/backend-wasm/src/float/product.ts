import type { Call } from './kernel.ts';

/** A matrix on the heap, or a part of one. */
export interface Matrix {
  readonly at: number;
  /** Numbers from row to row, as it is stored. */
  readonly stride: number;
  /** Whether its rows are stored as columns. */
  readonly transposed?: boolean;
}

export interface ProductSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

export interface ProductOptions {
  /** Address of float32 [columns], from which sums start; 0 for zeros. */
  readonly start?: number;
  /** Whether sums start from what c holds. */
  readonly more?: boolean;
  readonly factor?: number;
}

/** c = factor · (start + a · b), each sum over the depth in order. */
export function product(
  { kernels, scratch }: Call,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  { rows, columns, depth }: ProductSizes,
  { start = 0, more = false, factor = 1 }: ProductOptions = {},
): void {
  kernels.matMul(
    ...[a.at, a.stride, Number(a.transposed ?? false), b.at, b.stride, Number(b.transposed ?? false), c.at, c.stride],
    ...[rows, columns, depth, start, Number(more), factor, scratch(kernels.matMulScratch(rows, depth))],
  );
}

/** Bytes of a float32. */
export const FLOAT = 4;
