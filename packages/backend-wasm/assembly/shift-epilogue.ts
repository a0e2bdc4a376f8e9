import { codeAt, loadCode, loadCodes4, storeCode, storeCodes8 } from './codes';
import { Epilogue, SHIFT_ADD_INT32, SHIFT_ADD_INT8, SHIFT_ADD_SINGLE, SHIFT_TABLE } from './epilogue';
import { encodeNumbers4, offsetOf } from './round';

// Sums of power-of-two models. A float64 holds a shifted int32, and the sum of two of them, exactly: multiplying by a power of
// two is the shift, and adding 1.5 · 2^52 rounds half to even and leaves the integer in the low bits.

export const MAGIC: f64 = 6755399441055744;

/** 2^(from[i] − to[i]) of `count` int32 exponents, as float64. */
export function fillFactors(from: usize, to: usize, count: i32, factors: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f64>(factors + (i << 3), powerOfTwo(load<i32>(from + (i << 2)) - load<i32>(to + (i << 2))));
  }
}

/** Exponents of normal numbers. */
@inline
export function powerOfTwo(exponent: i32): f64 {
  return reinterpret<f64>((<i64>exponent + 1023) << 52);
}

/**
 * Whether a float32 does as well for a shift to the right into codes from `low` on: it holds sums of 24 bits exactly, and longer
 * ones are beyond the codes, rounded or not.
 */
@inline
export function isSingle(shift: i32, low: f32): bool {
  return shift >= -64 && powerOfTwo(24 - shift) >= <f64>-low;
}

/** Whether it does for all of `count` shifts, which then stand in `factors` as float32. */
export function fillSingles(from: usize, to: usize, count: i32, low: f32, factors: usize): bool {
  for (let i: usize = 0; i < <usize>count; i++) {
    const shift = load<i32>(to + (i << 2)) - load<i32>(from + (i << 2));
    if (!isSingle(shift, low)) return false;
    store<f32>(factors + (i << 2), <f32>powerOfTwo(-shift));
  }
  return true;
}

/**
 * Whether it does for sums of 24 bits and more plus int8 codes, whose shifts to the right are `shift` and `codeShift`: shorter ones
 * make a number that a float32 holds or that is beyond the codes from `low` on, longer ones are beyond whatever is added.
 */
@inline
function areSingle(shift: i32, codeShift: i32, low: f32): bool {
  return isSingle(shift, low) && isSingle(codeShift, low) && powerOfTwo(24 - shift) >= <f64>-low + powerOfTwo(7 - codeShift);
}

/** Whether it does for all of `count` pairs of shifts, which then stand in `factors` and `residualFactors` as float32. */
export function fillSummands(
  from: usize, residualFrom: usize, to: usize, count: i32, low: f32, factors: usize, residualFactors: usize,
): bool {
  for (let at: usize = 0; at < <usize>count << 2; at += 4) {
    const shift = load<i32>(to + at) - load<i32>(from + at);
    const codeShift = load<i32>(to + at) - load<i32>(residualFrom + at);
    if (!areSingle(shift, codeShift, low)) return false;
    store<f32>(factors + at, <f32>powerOfTwo(-shift));
    store<f32>(residualFactors + at, <f32>powerOfTwo(-codeShift));
  }
  return true;
}

/** Finishes a tile, as `finishTile` does. */
export function finishShifted(e: Epilogue, sums: usize, row: i32, rows: i32, column: i32, columns: i32, outputs: i32): void {
  if (columns < 8) {
    for (let r = 0; r < rows; r++) finishTail(e, sums + (<usize>r << 5), row + r, column, columns, outputs);
    return;
  }
  if (e.kind == SHIFT_ADD_SINGLE) {
    finishSingle(e, sums, row, rows, column, outputs);
    return;
  }
  const wide = e.wide;
  let y = codeAt(e.y, row * e.stride + column, wide);
  const step = codeAt(0, e.stride, wide);
  const factors = e.multiplier + (<usize>column << 3);
  const f0 = v128.load(factors);
  const f1 = v128.load(factors, 16);
  const f2 = v128.load(factors, 32);
  const f3 = v128.load(factors, 48);
  const low = f64x2.splat(<f64>e.low);
  const high = f64x2.splat(<f64>e.high);
  if (e.kind < SHIFT_ADD_INT8) {
    const table = e.kind == SHIFT_TABLE ? e.table : 0;
    for (let r = 0; r < rows; r++, sums += 32, y += step) {
      const a = v128.load(sums);
      const b = v128.load(sums, 16);
      const first = encode4(lower(a, f0), upper(a, f1), low, high);
      const second = encode4(lower(b, f2), upper(b, f3), low, high);
      if (table == 0) storeCodes8(y, first, second, wide);
      else storeEntries(y, first, second, table);
    }
    return;
  }
  const residualWide = e.kind == SHIFT_ADD_INT32;
  let residual = codeAt(e.residual, row * outputs + column, residualWide);
  const residualStep = codeAt(0, outputs, residualWide);
  const residuals = e.residualFactors + (<usize>column << 3);
  const g0 = v128.load(residuals);
  const g1 = v128.load(residuals, 16);
  const g2 = v128.load(residuals, 32);
  const g3 = v128.load(residuals, 48);
  for (let r = 0; r < rows; r++, sums += 32, y += step, residual += residualStep) {
    const a = v128.load(sums);
    const b = v128.load(sums, 16);
    const c = loadCodes4(residual, residualWide);
    const d = loadCodes4(codeAt(residual, 4, residualWide), residualWide);
    const first = encode4(f64x2.add(lower(a, f0), lower(c, g0)), f64x2.add(upper(a, f1), upper(c, g1)), low, high);
    const second = encode4(f64x2.add(lower(b, f2), lower(d, g2)), f64x2.add(upper(b, f3), upper(d, g3)), low, high);
    storeCodes8(y, first, second, wide);
  }
}

/** Eight columns of SHIFT_ADD_SINGLE. */
@inline
function finishSingle(e: Epilogue, sums: usize, row: i32, rows: i32, column: i32, outputs: i32): void {
  const wide = e.wide;
  let y = codeAt(e.y, row * e.stride + column, wide);
  const step = codeAt(0, e.stride, wide);
  let residual = e.residual + row * outputs + column;
  const factors = e.multiplier + (<usize>column << 2);
  const f0 = v128.load(factors);
  const f1 = v128.load(factors, 16);
  const residuals = e.residualFactors + (<usize>column << 2);
  const g0 = v128.load(residuals);
  const g1 = v128.load(residuals, 16);
  const low = f32x4.splat(e.low);
  const high = f32x4.splat(e.high);
  const offset = i32x4.splat(offsetOf(0));
  for (let r = 0; r < rows; r++, sums += 32, y += step, residual += outputs) {
    const codes = v128.load8x8_s(residual);
    const s0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes)), g0);
    const s1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes)), g1);
    const r0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), f0), s0);
    const r1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), f1), s1);
    storeCodes8(y, encodeNumbers4(r0, low, high, offset), encodeNumbers4(r1, low, high, offset), wide);
  }
}

/** The lower two of four int32, shifted. */
@inline
function lower(integers: v128, factors: v128): v128 {
  return f64x2.mul(f64x2.convert_low_i32x4_s(integers), factors);
}

@inline
function upper(integers: v128, factors: v128): v128 {
  return f64x2.mul(f64x2.convert_low_i32x4_s(i64x2.shuffle(integers, integers, 1, 0)), factors);
}

/** clamp(round(r)) of 4 float64 as int32. */
@inline
export function encode4(first: v128, second: v128, low: v128, high: v128): v128 {
  const magic = f64x2.splat(MAGIC);
  const a = f64x2.add(f64x2.pmin(high, f64x2.pmax(low, first)), magic);
  const b = f64x2.add(f64x2.pmin(high, f64x2.pmax(low, second)), magic);
  return i32x4.shuffle(a, b, 0, 2, 4, 6);
}

/** The same for one number. */
@inline
export function encode1(r: f64, low: f64, high: f64): i32 {
  return <i32>nearest<f64>(min<f64>(max<f64>(r, low), high));
}

/** The bytes that 8 indices stand for. */
@inline
function storeEntries(y: usize, first: v128, second: v128, table: usize): void {
  store<u8>(y, load<u8>(table + i32x4.extract_lane(first, 0)));
  store<u8>(y, load<u8>(table + i32x4.extract_lane(first, 1)), 1);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(first, 2)), 2);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(first, 3)), 3);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(second, 0)), 4);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(second, 1)), 5);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(second, 2)), 6);
  store<u8>(y, load<u8>(table + i32x4.extract_lane(second, 3)), 7);
}

@inline
function factorAt(factors: usize, n: i32, single: bool): f64 {
  return single ? <f64>load<f32>(factors + (<usize>n << 2)) : load<f64>(factors + (<usize>n << 3));
}

/** A row of fewer than 8 sums, one by one. */
function finishTail(e: Epilogue, sums: usize, row: i32, column: i32, columns: i32, outputs: i32): void {
  for (let n = column; n < column + columns; n++, sums += 4) {
    const single = e.kind == SHIFT_ADD_SINGLE;
    let r = <f64>load<i32>(sums) * factorAt(e.multiplier, n, single);
    if (e.kind >= SHIFT_ADD_INT8) {
      const wide = e.kind == SHIFT_ADD_INT32;
      r += <f64>loadCode(codeAt(e.residual, row * outputs + n, wide), wide) * factorAt(e.residualFactors, n, single);
    }
    const code = encode1(r, <f64>e.low, <f64>e.high);
    storeCode(codeAt(e.y, row * e.stride + n, e.wide), e.kind == SHIFT_TABLE ? <i32>load<i8>(e.table + code) : code, e.wide);
  }
}
