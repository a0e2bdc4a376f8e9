import { CqError } from './errors.ts';

/**
 * H = M Mᵀ with M upper triangular: Cholesky's factorisation from the last row up, which is what rounding with feedback
 * needs. H: symmetric, row-major [size, size], float64; `damping` times its mean diagonal is added to the diagonal first.
 * A matrix of zeros counts as the unit matrix.
 * @throws CqError if H is not positive definite even so.
 */
export function upperFactor(matrix: Float64Array, size: number, damping = 0): Float64Array {
  const factor = damped(matrix, size, damping);
  for (let j = size - 1; j >= 0; j--) {
    const row = j * size;
    let pivot = factor[row + j]!;
    const diagonal = pivot;
    for (let k = j + 1; k < size; k++) pivot -= factor[row + k]! ** 2;
    if (!(pivot > diagonal * 1e-14)) {
      throw new CqError(
        `cholesky: a Gram matrix must be positive definite, its pivot ${j} is ${pivot}; use more data or more damping`,
      );
    }
    const root = Math.sqrt(pivot);
    factor[row + j] = root;
    for (let i = 0; i < j; i++) {
      const other = i * size;
      let sum = factor[other + j]!;
      for (let k = j + 1; k < size; k++) sum -= factor[other + k]! * factor[row + k]!;
      factor[other + j] = sum / root;
      factor[row + i] = 0;
    }
  }
  return factor;
}

/** Solves (M Mᵀ) X = B in place. M: upper triangular [size, size]; B: row-major [size, columns]. */
export function solveUpper(factor: Float64Array, size: number, values: Float64Array, columns: number): void {
  const subtract = (target: number, source: number, times: number): void => {
    for (let n = 0; n < columns; n++) values[target * columns + n]! -= times * values[source * columns + n]!;
  };
  const divide = (row: number): void => {
    for (let n = 0; n < columns; n++) values[row * columns + n]! /= factor[row * size + row]!;
  };
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) subtract(i, k, factor[i * size + k]!);
    divide(i);
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) subtract(i, k, factor[k * size + i]!);
    divide(i);
  }
}

function damped(matrix: Float64Array, size: number, damping: number): Float64Array {
  const copy = matrix.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += copy[i * size + i]!;
  const added = trace === 0 ? 1 : (damping * trace) / size;
  for (let i = 0; i < size; i++) copy[i * size + i]! += added;
  return copy;
}
