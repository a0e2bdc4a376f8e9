import { encodeNumbers4, offsetOf } from './round';
import { PAIR } from './tile';

// From a row of exponentials, int32 with zeros up to a multiple of 8, to the levels that the codes of their shares mean, int16
// pairs in one row of a tile. A tile has room for a multiple of 8 pairs.

/** 4 pairs into one row of a tile. */
@inline
export function storePairs(to: usize, pairs: v128): void {
  v128.store32_lane(to, pairs, 0);
  v128.store32_lane(to, pairs, 1, 16);
  v128.store32_lane(to, pairs, 2, 32);
  v128.store32_lane(to, pairs, 3, 48);
}

/** Stores the levels at 4 offsets into the table. */
@inline
function storeLevels(to: usize, levels: usize, offsets: v128): void {
  store<i16>(to, load<i16>(levels + i32x4.extract_lane(offsets, 0)));
  store<i16>(to, load<i16>(levels + i32x4.extract_lane(offsets, 1)), 2);
  store<i16>(to, load<i16>(levels + i32x4.extract_lane(offsets, 2)), 16);
  store<i16>(to, load<i16>(levels + i32x4.extract_lane(offsets, 3)), 18);
}

/** Codes round(e · ratio) that mean themselves. */
export function codesThemselves(row: usize, count: i32, ratio: f32, top: i32, to: usize): void {
  const ratios = f32x4.splat(ratio);
  const lows = f32x4.splat(0);
  const highs = f32x4.splat(<f32>top);
  const offset = i32x4.splat(offsetOf(0));
  for (const end = row + (<usize>count << 2); row < end; row += 32, to += 4 * PAIR) {
    const first = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios), lows, highs, offset);
    const second = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row, 16)), ratios), lows, highs, offset);
    storePairs(to, i16x8.narrow_i32x4_s(first, second));
  }
}

/** Levels of the codes round(e · ratio). */
export function decodedCodes(row: usize, count: i32, ratio: f32, top: i32, levels: usize, to: usize): void {
  const ratios = f32x4.splat(ratio);
  const lows = f32x4.splat(0);
  const highs = f32x4.splat(<f32>top);
  const offset = i32x4.splat(offsetOf(0));
  for (const end = row + (<usize>count << 2); row < end; row += 16, to += 2 * PAIR) {
    const codes = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios), lows, highs, offset);
    storeLevels(to, levels, i32x4.shl(codes, 2));
  }
}

/** Levels of the exact quotients e · one / sum. */
export function quotients(row: usize, count: i32, sum: i32, one: f64, top: i32, levels: usize, to: usize): void {
  const ones = f64x2.splat(one);
  const sums = f64x2.splat(sum == 0 ? Infinity : <f64>sum);
  const highs = f64x2.splat(<f64>top);
  for (const end = row + (<usize>count << 2); row < end; row += 16, to += 2 * PAIR) {
    const first = f64x2.div(f64x2.mul(f64x2.convert_low_i32x4_s(v128.load64_zero(row)), ones), sums);
    const second = f64x2.div(f64x2.mul(f64x2.convert_low_i32x4_s(v128.load64_zero(row, 8)), ones), sums);
    const a = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.pmin(highs, first)));
    const b = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.pmin(highs, second)));
    storeLevels(to, levels, i32x4.shl(i64x2.shuffle(a, b, 0, 2), 2));
  }
}

/** Levels of the cells that the shares e · ratio lie in. Each finds its own by halves. */
export function inCells(row: usize, count: i32, ratio: f32, top: i32, boundaries: usize, levels: usize, to: usize): void {
  const ratios = f32x4.splat(ratio);
  for (const end = row + (<usize>count << 2); row < end; row += 16, to += 2 * PAIR) {
    const shares = f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios);
    let cells = i32x4.splat(cellOf(f32x4.extract_lane(shares, 0), boundaries, top));
    cells = i32x4.replace_lane(cells, 1, cellOf(f32x4.extract_lane(shares, 1), boundaries, top));
    cells = i32x4.replace_lane(cells, 2, cellOf(f32x4.extract_lane(shares, 2), boundaries, top));
    cells = i32x4.replace_lane(cells, 3, cellOf(f32x4.extract_lane(shares, 3), boundaries, top));
    storeLevels(to, levels, cells);
  }
}

/** Levels by the least exponential of each but the first, `top` of them. Each exponential finds its own by halves. */
export function fromLeast(row: usize, count: i32, least: usize, top: i32, levels: usize, to: usize): void {
  for (const end = row + (<usize>count << 2); row < end; row += 16, to += 2 * PAIR) {
    let cells = i32x4.splat(cellOf(load<i32>(row), least, top));
    cells = i32x4.replace_lane(cells, 1, cellOf(load<i32>(row, 4), least, top));
    cells = i32x4.replace_lane(cells, 2, cellOf(load<i32>(row, 8), least, top));
    cells = i32x4.replace_lane(cells, 3, cellOf(load<i32>(row, 12), least, top));
    storeLevels(to, levels, cells);
  }
}

/** Four times how many of the `top` boundaries, a power of two less 1, a value reaches. */
@inline
function cellOf<T>(value: T, boundaries: usize, top: i32): i32 {
  let cell: usize = 0;
  for (let step = (<usize>top + 1) << 1; step >= 4; step >>= 1) {
    if (value >= load<T>(boundaries + cell + step - 4)) cell += step;
  }
  return <i32>cell;
}
