import { codeAt, storeCode, storeCodes8 } from './codes';
import { MOMENTS, readRow } from './moments';
import { encode1, encodeBy4, MAGIC, offsetOf } from './round';

/** Splats that all rows have in common, and those of a row. */
const CONSTANTS: usize = 7 * 16;

/** Sums of a row, constants, and the row, int16 [channels]. */
export function layerNormScratch(channels: i32): usize {
  return MOMENTS + CONSTANTS + (<usize>channels << 1);
}

/**
 * y[c] = clamp(round(fround(fround(fround(fround(C · x[c] − Σ) · fround(1 / d)) · gamma[c]) + beta[c])) + zeroPoint) with
 * d = sqrt(C · Σ² − Σ · Σ + epsilonTerm). Codes have at most 16 bits and C is at most 4096, so that C · x[c] − Σ fits in
 * int32. `low` and `high` are the bounds less zeroPoint.
 */
export function layerNorm(
  x: usize, xWide: bool, rows: i32, channels: i32, gamma: usize, beta: usize, epsilonTerm: f64,
  low: f32, high: f32, zeroPoint: i32, y: usize, yWide: bool, scratch: usize,
): void {
  const constants = scratch + MOMENTS;
  const codes = constants + CONSTANTS;
  v128.store(constants, f32x4.splat(low));
  v128.store(constants, f32x4.splat(high), 16);
  v128.store(constants, f32x4.splat(MAGIC), 32);
  v128.store(constants, i32x4.splat(offsetOf(zeroPoint)), 48);
  v128.store(constants, i32x4.splat(channels), 64);
  for (let row = 0; row < rows; row++) {
    const to = codeAt(y, row * channels, yWide);
    readRow(codeAt(x, row * channels, xWide), xWide, channels, codes, scratch);
    const sum = <i32>load<i64>(scratch);
    const d = sqrt<f64>(<f64>channels * <f64>load<i64>(scratch, 8) - <f64>sum * <f64>sum + epsilonTerm);
    const factor: f32 = d == 0 ? 0 : <f32>(1 / d);
    v128.store(constants, i32x4.splat(sum), 80);
    v128.store(constants, f32x4.splat(factor), 96);
    if (yWide) wholeRow(codes, channels, gamma, beta, constants, to, true);
    else wholeRow(codes, channels, gamma, beta, constants, to, false);
    for (let c = channels & ~7; c < channels; c++) {
      const at = <usize>c << 2;
      const normalised = <f32>(channels * <i32>load<i16>(codes + (<usize>c << 1)) - sum) * factor;
      const scaled = normalised * load<f32>(gamma + at) + load<f32>(beta + at);
      storeCode(codeAt(to, c, yWide), encode1(scaled, low, high, zeroPoint), yWide);
    }
  }
}

/** 8 codes at a time. What does not change is loaded, as V8 computes a splat anew in every turn of a loop. */
@inline
function wholeRow(codes: usize, channels: i32, gamma: usize, beta: usize, constants: usize, y: usize, wide: bool): void {
  const low = v128.load(constants);
  const high = v128.load(constants, 16);
  const magic = v128.load(constants, 32);
  const offset = v128.load(constants, 48);
  const count = v128.load(constants, 64);
  const total = v128.load(constants, 80);
  const factors = v128.load(constants, 96);
  for (const end = codes + (<usize>(channels & ~7) << 1); codes < end; codes += 16, gamma += 32, beta += 32, y += wide ? 32 : 8) {
    const first = affine4(v128.load16x4_s(codes), count, total, factors, gamma, beta);
    const second = affine4(v128.load16x4_s(codes, 8), count, total, factors, gamma + 16, beta + 16);
    storeCodes8(y, encodeBy4(first, low, high, magic, offset), encodeBy4(second, low, high, magic, offset), wide);
  }
}

@inline
function affine4(codes: v128, count: v128, total: v128, factor: v128, gamma: usize, beta: usize): v128 {
  const normalised = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(i32x4.mul(codes, count), total)), factor);
  return f32x4.add(f32x4.mul(normalised, v128.load(gamma)), v128.load(beta));
}
