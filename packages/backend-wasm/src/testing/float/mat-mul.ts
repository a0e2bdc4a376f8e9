const { fround } = Math;

/** A matrix as a function of row and column. */
export type At = (row: number, column: number) => number;

export interface MatMulSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** factor · (start + Σ_k a[r, k] · b[k, n]): every product and every sum a float32, in the order of k. */
export function matMul(
  a: At,
  b: At,
  { rows, columns, depth }: MatMulSizes,
  start: At = () => 0,
  factor = 1,
): Float32Array {
  const c = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) {
      let sum = start(r, n);
      for (let k = 0; k < depth; k++) sum = fround(sum + fround(a(r, k) * b(k, n)));
      c[r * columns + n] = sum * fround(factor);
    }
  }
  return c;
}
