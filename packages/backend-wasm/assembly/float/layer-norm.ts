import { load4, store4, sumOf4 } from './lanes';

/** y = (x − mean) · inverse · gamma + beta for each row of x [rows, channels], with inverse = 1 / √(variance + epsilon). */
export function layerNorm(x: usize, rows: i32, channels: i32, gamma: usize, beta: usize, epsilon: f32, y: usize): void {
  const zero = f32x4.splat(0);
  const bytes = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += bytes, y += bytes) {
    const mean = meanOf(x, channels);
    const inverse = inverseOf(x, channels, mean, epsilon);
    for (let left = channels, at: usize = 0; left > 0; left -= 4, at += 16) {
      const normal = f32x4.mul(f32x4.sub(load4(x + at, left, zero), mean), inverse);
      store4(y + at, f32x4.add(f32x4.mul(normal, load4(gamma + at, left, zero)), load4(beta + at, left, zero)), left);
    }
  }
}

/**
 * With n = (x − mean) · inverse and g = dy · gamma:  dx = inverse · ((g − mean of g) − n · mean of g · n) for each row, and
 * dgamma = Σ dy · n, dbeta = Σ dy over the rows in order.
 */
export function layerNormGrad(
  dy: usize, x: usize, rows: i32, channels: i32, gamma: usize, epsilon: f32, dx: usize, dgamma: usize, dbeta: usize,
): void {
  const zero = f32x4.splat(0);
  const bytes = <usize>channels << 2;
  memory.fill(dgamma, 0, bytes);
  memory.fill(dbeta, 0, bytes);
  for (let r = 0; r < rows; r++, dy += bytes, x += bytes, dx += bytes) {
    const mean = meanOf(x, channels);
    const inverse = inverseOf(x, channels, mean, epsilon);
    let slopes = zero;
    let products = zero;
    for (let left = channels, at: usize = 0; left > 0; left -= 4, at += 16) {
      const normal = f32x4.mul(f32x4.sub(load4(x + at, left, mean), mean), inverse);
      const given = load4(dy + at, left, zero);
      const slope = f32x4.mul(given, load4(gamma + at, left, zero));
      slopes = f32x4.add(slopes, slope);
      products = f32x4.add(products, f32x4.mul(slope, normal));
      store4(dgamma + at, f32x4.add(load4(dgamma + at, left, zero), f32x4.mul(given, normal)), left);
      store4(dbeta + at, f32x4.add(load4(dbeta + at, left, zero), given), left);
    }
    const meanSlope = f32x4.splat(sumOf4(slopes) / <f32>channels);
    const meanProduct = f32x4.splat(sumOf4(products) / <f32>channels);
    for (let left = channels, at: usize = 0; left > 0; left -= 4, at += 16) {
      const normal = f32x4.mul(f32x4.sub(load4(x + at, left, zero), mean), inverse);
      const slope = f32x4.mul(load4(dy + at, left, zero), load4(gamma + at, left, zero));
      const rest = f32x4.sub(f32x4.sub(slope, meanSlope), f32x4.mul(normal, meanProduct));
      store4(dx + at, f32x4.mul(inverse, rest), left);
    }
  }
}

function meanOf(x: usize, channels: i32): v128 {
  const zero = f32x4.splat(0);
  let sums = zero;
  for (let left = channels; left > 0; left -= 4, x += 16) sums = f32x4.add(sums, load4(x, left, zero));
  return f32x4.splat(sumOf4(sums) / <f32>channels);
}

function inverseOf(x: usize, channels: i32, mean: v128, epsilon: f32): v128 {
  let sums = f32x4.splat(0);
  for (let left = channels; left > 0; left -= 4, x += 16) {
    const difference = f32x4.sub(load4(x, left, mean), mean);
    sums = f32x4.add(sums, f32x4.mul(difference, difference));
  }
  return f32x4.splat(1 / sqrt<f32>(sumOf4(sums) / <f32>channels + epsilon));
}
