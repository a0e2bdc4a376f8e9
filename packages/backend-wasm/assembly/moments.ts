import { loadCode } from './codes';

// Of a row of codes of at most 16 bits: the row as int16, where both kinds of LayerNorm read it again, and its sums.

/** Bytes of the sums: Σ x and Σ x², int64. */
export const MOMENTS: usize = 16;

/** Puts the row to `to`, int16; its sums to `moments`. */
export function readRow(from: usize, wide: bool, channels: i32, to: usize, moments: usize): void {
  const whole = to + (<usize>(channels & ~7) << 1);
  if (wide) readWhole(from, true, 0, false, false, to, whole, moments);
  else readWhole(from, false, 0, false, true, to, whole, moments);
  readRest(from, wide, channels, 0, to, moments);
}

/** The same of codes times their factors, in 16 bits; `short` if a sum of squares of codes of 8 bits is an int32. */
export function readShifted(from: usize, wide: bool, channels: i32, factors: usize, short: bool, to: usize, moments: usize): void {
  const whole = to + (<usize>(channels & ~7) << 1);
  if (wide) readWhole(from, true, factors, true, false, to, whole, moments);
  else if (short) readWhole(from, false, factors, true, true, to, whole, moments);
  else readWhole(from, false, factors, true, false, to, whole, moments);
  readRest(from, wide, channels, factors, to, moments);
}

/** The last codes, one by one. */
function readRest(from: usize, wide: bool, channels: i32, factors: usize, to: usize, moments: usize): void {
  let sum = load<i64>(moments);
  let squares = load<i64>(moments, 8);
  for (let c = channels & ~7; c < channels; c++) {
    const at = <usize>c << 1;
    let code = loadCode(from + (<usize>c << (wide ? 2 : 0)), wide);
    if (factors != 0) code = <i32>(<i16>(code * <i32>load<i16>(factors + at)));
    store<i16>(to + at, <i16>code);
    sum += code;
    squares += <i64>code * <i64>code;
  }
  store<i64>(moments, sum);
  store<i64>(moments, squares, 8);
}

/** 8 codes at a time; `short` as above. */
@inline
function readWhole(from: usize, wide: bool, factors: usize, shifted: bool, short: bool, to: usize, end: usize, moments: usize): void {
  const ones = i16x8.splat(1);
  const lower = i64x2.splat(0xffffffff);
  let sums = i32x4.splat(0);
  let squares = i64x2.splat(0);
  for (; to < end; to += 16, from += wide ? 32 : 8) {
    let codes = wide ? i16x8.narrow_i32x4_s(v128.load(from), v128.load(from, 16)) : v128.load8x8_s(from);
    if (shifted) {
      codes = i16x8.mul(codes, v128.load(factors));
      factors += 16;
    }
    v128.store(to, codes);
    sums = i32x4.add(sums, i32x4.dot_i16x8_s(codes, ones));
    const pairs = i32x4.dot_i16x8_s(codes, codes);
    // Two squares of −2^15 make 2^31: right as an unsigned number.
    if (short) squares = i32x4.add(squares, pairs);
    else squares = i64x2.add(squares, i64x2.add(v128.and(pairs, lower), i64x2.shr_u(pairs, 32)));
  }
  if (short) squares = i64x2.add(i64x2.extend_low_i32x4_s(squares), i64x2.extend_high_i32x4_s(squares));
  const pairs = i64x2.add(i64x2.extend_low_i32x4_s(sums), i64x2.extend_high_i32x4_s(sums));
  v128.store(moments, i64x2.add(i64x2.shuffle(pairs, squares, 0, 2), i64x2.shuffle(pairs, squares, 1, 3)));
}
