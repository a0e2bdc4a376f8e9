import { codeAt, storeCode, storeCodes8 } from './codes';
import { MOMENTS, readShifted } from './moments';
import { MAGIC } from './round';
import { encode1, encode4, MAGIC as DOUBLE_MAGIC, powerOfTwo } from './shift-epilogue';

/** Fraction bits of a normalised value, bits of the reciprocal of a norm, of the square that the root is taken of. */
const NORM_BITS = 20;
const RECIPROCAL_BITS = 50;
const SQUARE_BITS = 52;

/** Rows at a time, so that a processor works on the roots of several at once. */
const ROWS: usize = 8;

/** Splats that all rows have in common, and those of a row. */
const CONSTANTS: usize = 9 * 16;

@inline
function padded(channels: i32): usize {
  return <usize>((channels + 7) & ~7);
}

/** Sums of rows, constants; int16 [channels]: factors, the rows; float32 [channels / 4][4 gains, 4 offsets]. */
export function shiftLayerNormScratch(channels: i32): usize {
  return ROWS * MOMENTS + CONSTANTS + padded(channels) * (2 + 2 * ROWS + 8);
}

/**
 * CqShiftLayerNorm: exponents, gamma and beta are int32 [channels]. All sums and products are integers that an int64 or a
 * float64 holds; factors of powers of two stand in gains and offsets.
 *
 * A float32 holds them not, yet gives the code of every number that is further from a tie than the float32 may be wrong. Few are
 * not, and are computed once more.
 */
export function shiftLayerNorm(
  x: usize, xWide: bool, rows: i32, channels: i32, exponents: usize, gamma: usize, beta: usize, epsilon: f64, gainBits: i32,
  low: f32, high: f32, y: usize, yWide: bool, scratch: usize,
): void {
  const constants = scratch + ROWS * MOMENTS;
  const factors = constants + CONSTANTS;
  const lines = factors + (padded(channels) << 1);
  const line = padded(channels) << 1;
  const affine = lines + ROWS * line;
  const whole = channels & ~7;
  const most = fillFactors(exponents, channels, factors);
  const short = most * most * <f64>channels < powerOfTwo(31 - 14);
  const gainUnit = powerOfTwo(-NORM_BITS - gainBits);
  const offsetUnit = powerOfTwo(-gainBits);
  const error = mostError(fillAffine(gamma, beta, whole, <f32>gainUnit, <f32>offsetUnit, affine), channels, low);
  v128.store(constants, i8x16.splat(<i8>max<f32>(low, i8.MIN_VALUE)));
  v128.store(constants, i8x16.splat(<i8>min<f32>(high, i8.MAX_VALUE)), 16);
  v128.store(constants, f32x4.splat(MAGIC), 32);
  v128.store(constants, f32x4.splat(<f32>((0.5 - error) * (0.5 - error))), 48);
  v128.store(constants, i32x4.splat(channels), 64);
  v128.store(constants, i16x8.splat(1), 128);
  for (let row = 0; row < rows; row++) {
    const place = <usize>row & (ROWS - 1);
    if (place == 0) {
      const some = min<i32>(<i32>ROWS, rows - row);
      for (let r = 0; r < some; r++) {
        const from = codeAt(x, (row + r) * channels, xWide);
        readShifted(from, xWide, channels, factors, short, lines + <usize>r * line, scratch + <usize>r * MOMENTS);
      }
      for (let at = scratch; at < scratch + <usize>some * MOMENTS; at += MOMENTS) {
        const sum = load<i64>(at);
        store<f64>(at, reciprocalRoot(<i64>channels * load<i64>(at, 8) - sum * sum + <i64>epsilon), 8);
      }
    }
    const to = codeAt(y, row * channels, yWide);
    const codes = lines + place * line;
    const sum = <i32>load<i64>(scratch + place * MOMENTS);
    const factor = load<f64>(scratch + place * MOMENTS, 8);
    v128.store(constants, i32x4.splat(sum), 80);
    v128.store(constants, i32x4.splat((channels & 0xffff) | (-sum << 16)), 112);
    v128.store(constants, f32x4.splat(<f32>factor), 96);
    let c = 0;
    while (c < whole) {
      if (error < MOST_ERROR && !yWide) {
        if (-sum == <i32>(<i16>-sum)) c = nearly(codes, whole, affine, constants, true, to, c);
        else c = nearly(codes, whole, affine, constants, false, to, c);
      }
      if (c == whole) break;
      eightCodes(codes, c, channels, sum, factor, gamma, gainUnit, beta, offsetUnit, low, high, codeAt(to, c, yWide), yWide);
      c += 8;
    }
    for (; c < channels; c++) {
      const normalised = nearest<f64>(<f64>(channels * <i32>load<i16>(codes + (<usize>c << 1)) - sum) * factor);
      const gain = <f64>load<i32>(gamma + (<usize>c << 2)) * gainUnit;
      const offset = <f64>load<i32>(beta + (<usize>c << 2)) * offsetUnit;
      storeCode(codeAt(to, c, yWide), encode1(normalised * gain + offset, <f64>low, <f64>high), yWide);
    }
  }
}

/** 2^(exponent − the least of them), int16; returns the largest, if it were not cut to 16 bits. */
function fillFactors(exponents: usize, channels: i32, factors: usize): f64 {
  let least = i32.MAX_VALUE;
  let most = 0;
  for (let c = 0; c < channels; c++) least = min<i32>(least, load<i32>(exponents + (<usize>c << 2)));
  for (let c = 0; c < channels; c++) {
    const shift = min<i32>(load<i32>(exponents + (<usize>c << 2)) - least, 15);
    store<i16>(factors + (<usize>c << 1), <i16>(<i32>1 << shift));
    most = max<i32>(most, shift);
  }
  return powerOfTwo(most);
}

/** Returns the largest gain, and none that is small enough if an offset is not small. */
function fillAffine(gamma: usize, beta: usize, channels: i32, gainUnit: f32, offsetUnit: f32, affine: usize): f64 {
  let largest = f32x4.splat(0);
  let far = f32x4.splat(0);
  for (const end = gamma + (<usize>channels << 2); gamma < end; gamma += 16, beta += 16, affine += 32) {
    const gains = f32x4.mul(f32x4.convert_i32x4_s(v128.load(gamma)), f32x4.splat(gainUnit));
    v128.store(affine, gains);
    const offsets = f32x4.mul(f32x4.convert_i32x4_s(v128.load(beta)), f32x4.splat(offsetUnit));
    v128.store(affine, offsets, 16);
    far = v128.or(far, f32x4.gt(f32x4.abs(offsets), f32x4.splat(MOST_OFFSET)));
    largest = f32x4.max(largest, f32x4.abs(gains));
  }
  if (v128.any_true(far)) return Infinity;
  largest = f32x4.max(largest, i64x2.shuffle(largest, largest, 1, 0));
  return <f64>max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1));
}

/** With a larger error float32 is not worth a try. */
const MOST_ERROR: f64 = 1.0 / 128;
/** With such an error products are at most 2^14. With a larger offset there may be numbers that are not rounded as in round.ts. */
const MOST_OFFSET: f32 = 2097152;

/**
 * How far the float32 of a number between the bounds may lie from the number itself. With e = 2^−24: a normalised value is at most
 * 2^20 · √C, of which there are 3 e, and half a unit for the integer that it is; the gain and the product make it 5 e. An offset is
 * at most the number and the product together: e of it, and e of the sum. Four e more are for this sum of errors itself.
 * One beyond the bounds is beyond them as a float32, too, or so near to them that this holds for it.
 */
function mostError(gain: f64, channels: i32, low: f32): f64 {
  const product = sqrt<f64>(<f64>channels) * powerOfTwo(NORM_BITS);
  return gain * (0.5 + product * powerOfTwo(3 - 24)) + <f64>(1 - low) * powerOfTwo(2 - 24);
}

/** Codes from `c` on, 8 at a time, up to the first 8 of which one may be wrong; returns where they begin. */
@inline
function nearly(codes: usize, channels: i32, affine: usize, constants: usize, short: bool, y: usize, c: i32): i32 {
  const low = v128.load(constants);
  const high = v128.load(constants, 16);
  const magic = v128.load(constants, 32);
  const limit = v128.load(constants, 48);
  const count = v128.load(constants, 64);
  const total = v128.load(constants, 80);
  const factors = v128.load(constants, 96);
  const weights = v128.load(constants, 112);
  const ones = v128.load(constants, 128);
  const start = y;
  const end = y + <usize>channels;
  codes += <usize>c << 1;
  affine += <usize>c << 3;
  for (y += <usize>c; y < end; y += 8, codes += 16, affine += 64) {
    let a: v128;
    let b: v128;
    if (short) {
      const eight = v128.load(codes);
      a = i32x4.dot_i16x8_s(i16x8.shuffle(eight, ones, 0, 8, 1, 9, 2, 10, 3, 11), weights);
      b = i32x4.dot_i16x8_s(i16x8.shuffle(eight, ones, 4, 12, 5, 13, 6, 14, 7, 15), weights);
    } else {
      a = i32x4.sub(i32x4.mul(v128.load16x4_s(codes), count), total);
      b = i32x4.sub(i32x4.mul(v128.load16x4_s(codes, 8), count), total);
    }
    const first = affine4(a, factors, affine);
    const second = affine4(b, factors, affine + 32);
    const i = f32x4.add(first, magic);
    const j = f32x4.add(second, magic);
    a = f32x4.sub(first, f32x4.sub(i, magic));
    b = f32x4.sub(second, f32x4.sub(j, magic));
    if (i32x4.bitmask(f32x4.ge(f32x4.pmax(f32x4.mul(a, a), f32x4.mul(b, b)), limit))) break;
    const narrow = i16x8.narrow_i32x4_s(i32x4.sub(i, magic), i32x4.sub(j, magic));
    v128.store64_lane(y, i8x16.min_s(high, i8x16.max_s(low, i8x16.narrow_i16x8_s(narrow, narrow))), 0);
  }
  return <i32>(y - start);
}

/** integer · factor · gain + offset of 4 numbers, as float32. */
@inline
function affine4(integers: v128, factor: v128, affine: usize): v128 {
  const normalised = f32x4.mul(f32x4.convert_i32x4_s(integers), factor);
  return f32x4.add(f32x4.mul(normalised, v128.load(affine)), v128.load(affine, 16));
}

/** The codes from `c` on. */
function eightCodes(
  codes: usize, c: i32, channels: i32, sum: i32, factor: f64, gamma: usize, gainUnit: f64, beta: usize, offsetUnit: f64,
  low: f32, high: f32, y: usize, wide: bool,
): void {
  const gains = gamma + (<usize>c << 2);
  const offsets = beta + (<usize>c << 2);
  const first = fourCodes(codes + (<usize>c << 1), channels, sum, factor, gains, gainUnit, offsets, offsetUnit, low, high);
  const second = fourCodes(codes + (<usize>c << 1) + 8, channels, sum, factor, gains + 16, gainUnit, offsets + 16, offsetUnit, low, high);
  storeCodes8(y, first, second, wide);
}

@inline
function fourCodes(
  codes: usize, channels: i32, sum: i32, factor: f64, gamma: usize, gainUnit: f64, beta: usize, offsetUnit: f64, low: f32, high: f32,
): v128 {
  const integers = i32x4.sub(i32x4.mul(v128.load16x4_s(codes), i32x4.splat(channels)), i32x4.splat(sum));
  const first = affine2(integers, factor, gamma, gainUnit, beta, offsetUnit);
  const second = affine2(i64x2.shuffle(integers, integers, 1, 0), factor, gamma + 8, gainUnit, beta + 8, offsetUnit);
  return encode4(first, second, f64x2.splat(<f64>low), f64x2.splat(<f64>high));
}

/** round(integer · factor) · gain + offset of the lower two of four int32, as float64. */
@inline
function affine2(integers: v128, factor: f64, gamma: usize, gainUnit: f64, beta: usize, offsetUnit: f64): v128 {
  const magic = f64x2.splat(DOUBLE_MAGIC);
  const exact = f64x2.mul(f64x2.convert_low_i32x4_s(integers), f64x2.splat(factor));
  const normalised = f64x2.sub(f64x2.add(exact, magic), magic);
  const gains = f64x2.mul(f64x2.convert_low_i32x4_s(v128.load64_zero(gamma)), f64x2.splat(gainUnit));
  const offsets = f64x2.mul(f64x2.convert_low_i32x4_s(v128.load64_zero(beta)), f64x2.splat(offsetUnit));
  return f64x2.add(f64x2.mul(normalised, gains), offsets);
}

/** ⌊2^50 / ⌊√(value · 4^p)⌋⌋ · 2^(p − 30) with p such that the square has 51 or 52 bits; 0 where value is 0. */
function reciprocalRoot(value: i64): f64 {
  if (value <= 0) return 0;
  const length = 64 - <i32>clz<i64>(value);
  const p = max<i32>(0, (SQUARE_BITS - length) >> 1);
  const square = <f64>(value << (2 * p));
  let root = floor<f64>(sqrt<f64>(square));
  if (root * root > square) root--;
  return floor<f64>(powerOfTwo(RECIPROCAL_BITS) / root) * powerOfTwo(p + NORM_BITS - RECIPROCAL_BITS);
}
