import { codeAt, loadCode, loadCodes4, storeCode, storeCodes8 } from './codes';
import { encode1, encode4, offsetOf } from './round';

/**
 * y[c] = clamp(round(fround(fround(fround(fround(C · x[c] − Σ) · fround(1 / d)) · gamma[c]) + beta[c])) + zeroPoint) with
 * d = sqrt(C · Σ² − Σ · Σ + epsilonTerm). Codes have at most 16 bits and C is at most 4096, so that C · x[c] − Σ fits in
 * int32. `low` and `high` are the bounds less zeroPoint.
 */
export function layerNorm(
  x: usize, xWide: bool, rows: i32, channels: i32, gamma: usize, beta: usize, epsilonTerm: f64,
  low: f32, high: f32, zeroPoint: i32, y: usize, yWide: bool,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const count = i32x4.splat(channels);

  for (let row = 0; row < rows; row++) {
    const from = codeAt(x, row * channels, xWide);
    const to = codeAt(y, row * channels, yWide);

    let sums = i32x4.splat(0);
    let squares = i64x2.splat(0);
    let c = 0;
    for (; c + 8 <= channels; c += 8) {
      const first = loadCodes4(codeAt(from, c, xWide), xWide);
      const second = loadCodes4(codeAt(from, c + 4, xWide), xWide);
      sums = i32x4.add(sums, i32x4.add(first, second));
      const codes = i16x8.narrow_i32x4_s(first, second);
      // Two squares of −2^15 make 2^31: right as an unsigned number.
      const pairs = i32x4.dot_i16x8_s(codes, codes);
      squares = i64x2.add(squares, i64x2.add(i64x2.extend_low_i32x4_u(pairs), i64x2.extend_high_i32x4_u(pairs)));
    }
    let sum =
      i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
    let square = i64x2.extract_lane(squares, 0) + i64x2.extract_lane(squares, 1);
    for (; c < channels; c++) {
      const code = loadCode(codeAt(from, c, xWide), xWide);
      sum += code;
      square += <i64>code * <i64>code;
    }

    const d = sqrt<f64>(<f64>channels * <f64>square - <f64>sum * <f64>sum + epsilonTerm);
    const factor: f32 = d == 0 ? 0 : <f32>(1 / d);
    const factors = f32x4.splat(factor);
    const total = i32x4.splat(sum);
    for (c = 0; c + 8 <= channels; c += 8) {
      const at = <usize>c << 2;
      const first = encode4(
        affine4(loadCodes4(codeAt(from, c, xWide), xWide), count, total, factors, gamma + at, beta + at),
        lows, highs, offset,
      );
      const second = encode4(
        affine4(loadCodes4(codeAt(from, c + 4, xWide), xWide), count, total, factors, gamma + at + 16, beta + at + 16),
        lows, highs, offset,
      );
      storeCodes8(codeAt(to, c, yWide), first, second, yWide);
    }
    for (; c < channels; c++) {
      const at = <usize>c << 2;
      const normalised = <f32>(channels * loadCode(codeAt(from, c, xWide), xWide) - sum) * factor;
      const scaled = normalised * load<f32>(gamma + at) + load<f32>(beta + at);
      storeCode(codeAt(to, c, yWide), encode1(scaled, low, high, zeroPoint), yWide);
    }
  }
}

@inline
function affine4(codes: v128, count: v128, total: v128, factor: v128, gamma: usize, beta: usize): v128 {
  const normalised = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(i32x4.mul(codes, count), total)), factor);
  return f32x4.add(f32x4.mul(normalised, v128.load(gamma)), v128.load(beta));
}
