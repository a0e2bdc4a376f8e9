import { codeAt, loadCode, loadCodes4, storeCode, storeCodes8 } from './codes';
import { encode1, encode4, powerOfTwo } from './shift-epilogue';

/** Fraction bits of a normalised value, bits of the reciprocal of a norm, of the square that the root is taken of. */
const NORM_BITS = 20;
const RECIPROCAL_BITS = 50;
const SQUARE_BITS = 52;

const MAGIC: f64 = 6755399441055744;

@inline
function padded(channels: i32): usize {
  return <usize>((channels + 7) & ~7);
}

/** int32 [channels]: factors and shifted codes; float64 [channels]: gains and offsets. */
export function shiftLayerNormScratch(channels: i32): usize {
  return padded(channels) * 24;
}

/**
 * CqShiftLayerNorm: exponents, gamma and beta are int32 [channels]. All sums and products are integers that an int64 or a
 * float64 holds; factors of powers of two stand in gains and offsets.
 */
export function shiftLayerNorm(
  x: usize, xWide: bool, rows: i32, channels: i32, exponents: usize, gamma: usize, beta: usize, epsilon: f64, gainBits: i32,
  low: f32, high: f32, y: usize, yWide: bool, scratch: usize,
): void {
  const factors = scratch;
  const shifted = scratch + (padded(channels) << 2);
  const gains = shifted + (padded(channels) << 2);
  const offsets = gains + (padded(channels) << 3);
  prepare(exponents, gamma, beta, channels, gainBits, factors, gains, offsets);
  const lows = f64x2.splat(<f64>low);
  const highs = f64x2.splat(<f64>high);
  const count = i32x4.splat(channels);
  const whole = channels & ~7;

  for (let row = 0; row < rows; row++) {
    const from = codeAt(x, row * channels, xWide);
    const to = codeAt(y, row * channels, yWide);

    let sums = i32x4.splat(0);
    let squares = i64x2.splat(0);
    for (let c = 0; c < whole; c += 8) {
      const at = <usize>c << 2;
      const first = shift4(loadCodes4(codeAt(from, c, xWide), xWide), factors + at);
      const second = shift4(loadCodes4(codeAt(from, c + 4, xWide), xWide), factors + at + 16);
      v128.store(shifted + at, first);
      v128.store(shifted + at, second, 16);
      sums = i32x4.add(sums, i32x4.add(first, second));
      const codes = i16x8.narrow_i32x4_s(first, second);
      // Two squares of −2^15 make 2^31: right as an unsigned number.
      const pairs = i32x4.dot_i16x8_s(codes, codes);
      squares = i64x2.add(squares, i64x2.add(i64x2.extend_low_i32x4_u(pairs), i64x2.extend_high_i32x4_u(pairs)));
    }
    let sum =
      i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
    let square = i64x2.extract_lane(squares, 0) + i64x2.extract_lane(squares, 1);
    for (let c = whole; c < channels; c++) {
      const at = <usize>c << 2;
      const code = <i32><i16>(loadCode(codeAt(from, c, xWide), xWide) * load<i32>(factors + at));
      store<i32>(shifted + at, code);
      sum += code;
      square += <i64>code * <i64>code;
    }

    const factor = reciprocalRoot(<i64>channels * square - <i64>sum * <i64>sum + <i64>epsilon);
    const spread = f64x2.splat(factor);
    const total = i32x4.splat(sum);
    for (let c = 0; c < whole; c += 8) {
      const a = i32x4.sub(i32x4.mul(v128.load(shifted + (<usize>c << 2)), count), total);
      const b = i32x4.sub(i32x4.mul(v128.load(shifted + (<usize>c << 2), 16), count), total);
      const at = <usize>c << 3;
      const first = encode4(affine2(a, spread, gains + at, offsets + at), affine2(high2(a), spread, gains + at + 16, offsets + at + 16), lows, highs);
      const second = encode4(affine2(b, spread, gains + at + 32, offsets + at + 32), affine2(high2(b), spread, gains + at + 48, offsets + at + 48), lows, highs);
      storeCodes8(codeAt(to, c, yWide), first, second, yWide);
    }
    for (let c = whole; c < channels; c++) {
      const at = <usize>c << 3;
      const normalised = nearest<f64>(<f64>(channels * load<i32>(shifted + (<usize>c << 2)) - sum) * factor);
      const scaled = normalised * load<f64>(gains + at) + load<f64>(offsets + at);
      storeCode(codeAt(to, c, yWide), encode1(scaled, <f64>low, <f64>high), yWide);
    }
  }
}

function prepare(
  exponents: usize, gamma: usize, beta: usize, channels: i32, gainBits: i32, factors: usize, gains: usize, offsets: usize,
): void {
  let least = i32.MAX_VALUE;
  for (let c = 0; c < channels; c++) least = min<i32>(least, load<i32>(exponents + (<usize>c << 2)));
  for (let c = 0; c < channels; c++) {
    const at = <usize>c << 2;
    store<i32>(factors + at, 1 << min<i32>(load<i32>(exponents + at) - least, 15));
    store<f64>(gains + (at << 1), <f64>load<i32>(gamma + at) * powerOfTwo(-NORM_BITS - gainBits));
    store<f64>(offsets + (at << 1), <f64>load<i32>(beta + at) * powerOfTwo(-gainBits));
  }
}

/** 4 codes times their factors, in 16 bits. */
@inline
function shift4(codes: v128, factors: usize): v128 {
  return i32x4.shr_s(i32x4.shl(i32x4.mul(codes, v128.load(factors)), 16), 16);
}

@inline
function high2(integers: v128): v128 {
  return i64x2.shuffle(integers, integers, 1, 0);
}

/** round(integer · factor) · gain + offset of the lower two of four int32, as float64. */
@inline
function affine2(integers: v128, factor: v128, gains: usize, offsets: usize): v128 {
  const magic = f64x2.splat(MAGIC);
  const exact = f64x2.mul(f64x2.convert_low_i32x4_s(integers), factor);
  const normalised = f64x2.sub(f64x2.add(exact, magic), magic);
  return f64x2.add(f64x2.mul(normalised, v128.load(gains)), v128.load(offsets));
}

/** ⌊2^50 / ⌊√(value · 4^p)⌋⌋ · 2^(p − 30) with p such that the square has 51 or 52 bits; 0 where value is 0. */
function reciprocalRoot(value: i64): f64 {
  if (value <= 0) return 0;
  const length = 64 - <i32>clz<i64>(value);
  const p = max<i32>(0, (SQUARE_BITS - length) >> 1);
  const square = value << (2 * p);
  let root = <i64>sqrt<f64>(<f64>square);
  if (root * root > square) root--;
  return <f64>((<i64>1 << RECIPROCAL_BITS) / root) * powerOfTwo(p + NORM_BITS - RECIPROCAL_BITS);
}
