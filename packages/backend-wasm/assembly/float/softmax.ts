import { exp4 } from './exp';
import { load4, maxOf4, store4, sumOf4 } from './lanes';

/** y = exp(x − max) · (1 / Σ exp(x − max)) for each row of x [rows, columns]. */
export function softmax(x: usize, rows: i32, columns: i32, y: usize): void {
  const least = f32x4.splat(-Infinity);
  const bytes = <usize>columns << 2;
  for (let r = 0; r < rows; r++, x += bytes, y += bytes) {
    let most = least;
    for (let left = columns, at = x; left > 0; left -= 4, at += 16) most = f32x4.pmax(most, load4(at, left, least));
    const maxima = f32x4.splat(maxOf4(most));
    let sums = f32x4.splat(0);
    for (let left = columns, at: usize = 0; left > 0; left -= 4, at += 16) {
      const exponentials = exp4(f32x4.sub(load4(x + at, left, least), maxima));
      sums = f32x4.add(sums, exponentials);
      store4(y + at, exponentials, left);
    }
    const inverse = f32x4.splat(1 / sumOf4(sums));
    for (let left = columns, at = y; left > 0; left -= 4, at += 16) {
      store4(at, f32x4.mul(load4(at, left, least), inverse), left);
    }
  }
}

/** dx = (dy − Σ dy · y) · y for each row. */
export function softmaxGrad(dy: usize, y: usize, rows: i32, columns: i32, dx: usize): void {
  const zero = f32x4.splat(0);
  const bytes = <usize>columns << 2;
  for (let r = 0; r < rows; r++, dy += bytes, y += bytes, dx += bytes) {
    let sums = zero;
    for (let left = columns, at: usize = 0; left > 0; left -= 4, at += 16) {
      sums = f32x4.add(sums, f32x4.mul(load4(dy + at, left, zero), load4(y + at, left, zero)));
    }
    const sum = f32x4.splat(sumOf4(sums));
    for (let left = columns, at: usize = 0; left > 0; left -= 4, at += 16) {
      store4(dx + at, f32x4.mul(f32x4.sub(load4(dy + at, left, zero), sum), load4(y + at, left, zero)), left);
    }
  }
}
