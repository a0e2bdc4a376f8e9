import type { Call } from './kernel.ts';
import { productInParts } from './product-in-parts.ts';

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

/** A product with all that it is made of. */
export interface Product extends Required<ProductOptions> {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly c: Matrix;
  readonly sizes: ProductSizes;
}

/** c = factor · (start + a · b), each sum over the depth in order, whatever the number of threads. */
export function product(
  { kernels, scratch, threads }: Call,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  sizes: ProductSizes,
  { start = 0, more = false, factor = 1 }: ProductOptions = {},
): void {
  const { rows, columns, depth } = sizes;
  const whole: Product = { a, b, c, sizes, start, more, factor };
  const own = scratch(kernels.matMulScratch(rows, depth));
  const parted = threads && rows > TILE_ROWS && rows * columns * depth > threads.leastWork;
  if (parted) productInParts(kernels, threads, whole, own);
  else kernels.matMul(...parametersOf(whole, own));
}

/** What the kernel takes. */
export function parametersOf({ a, b, c, sizes, start, more, factor }: Product, scratch: number): readonly number[] {
  return [
    ...[a.at, a.stride, Number(a.transposed ?? false), b.at, b.stride, Number(b.transposed ?? false), c.at, c.stride],
    ...[sizes.rows, sizes.columns, sizes.depth, start, Number(more), factor, scratch],
  ];
}

/** The kernel computes so many rows at once. */
const TILE_ROWS = 4;

/** Bytes of a float32. */
export const FLOAT = 4;
