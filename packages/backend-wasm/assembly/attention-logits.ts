import { encode4, MAGIC, offsetOf } from './round';
import { dotWide, WIDE_PAIR } from './tile';

// Logit codes of 4 queries, int16 [4][keys, padded to 16], each times 4: offsets into the table of exponentials.

/** Stands for the bias of a key that a query does not look at. No other is as low. */
const UNSEEN: i32 = i32.MIN_VALUE;
/** By how much the logit code of such a key lies below any other, which puts it past the table's exponentials. */
const BELOW: i32 = 256;

/** For 4 queries and the keys that count: their biases, UNSEEN where the query does not look at the key. */
export function fillBiases(
  bias: usize, visible: usize, rows: i32, tokens: i32, kept: usize, count: i32, stride: i32, to: usize, row: usize,
): void {
  const whole = count == tokens;
  for (let r = 0; r < rows; r++, to += row) {
    let j = 0;
    if (whole) {
      for (; j + 4 <= count; j += 4) {
        let biases = bias == 0 ? i32x4.splat(0) : v128.load(bias + (<usize>j << 2));
        if (visible != 0) biases = v128.bitselect(biases, i32x4.splat(UNSEEN), seen4(visible + j));
        v128.store(to + (<usize>j << 2), biases);
      }
    }
    for (; j < count; j++) {
      const key = whole ? j : load<i32>(kept + (<usize>j << 2)) / stride;
      const seen = visible == 0 || load<u8>(visible + key) != 0;
      store<i32>(to + (<usize>j << 2), !seen ? UNSEEN : bias == 0 ? 0 : load<i32>(bias + (<usize>key << 2)));
    }
    if (bias != 0) bias += <usize>tokens << 2;
    if (visible != 0) visible += tokens;
  }
}

/** All bits of a lane where its byte is not 0. */
@inline
function seen4(bytes: usize): v128 {
  return i32x4.ne(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(bytes))), i32x4.splat(0));
}

/** `pairs` of channels of the queries in a tile, and of the keys in panels; `row` bytes from query to query. */
export function logitCodes(
  rows: i32, queries: usize, keys: usize, count: i32, pairs: i32, zeros: usize, sums: usize,
  multiplier: f32, low: f32, high: f32, zeroPoint: i32, logits: usize, row: usize,
): void {
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const bytes = <usize>pairs * WIDE_PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 16) {
    dotWide(rows, queries, keys, pairs, zeros, sums);
    for (let r = 0; r < rows; r++) {
      const from = sums + (<usize>r << 5);
      const first = encode4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(from)), multipliers), lows, highs, offset);
      const second = encode4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(from, 16)), multipliers), lows, highs, offset);
      v128.store(logits + <usize>r * row, i16x8.shl(i16x8.narrow_i32x4_s(first, second), 2));
    }
  }
}

/**
 * The same by a shift to the right, of at most 100 bits either way, and without a zero point. A sum of float32 rounds to a
 * multiple of 2^shift, half to even, that stands in the low bits: nothing has to be multiplied.
 */
export function shiftLogitCodes(
  rows: i32, queries: usize, keys: usize, count: i32, pairs: i32, zeros: usize, sums: usize,
  unit: f32, low: f32, high: f32, logits: usize, row: usize,
): void {
  const lows = f32x4.splat(low * unit);
  const highs = f32x4.splat(high * unit);
  const magic = f32x4.splat(MAGIC * unit);
  const bytes = <usize>pairs * WIDE_PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 16) {
    dotWide(rows, queries, keys, pairs, zeros, sums);
    for (let r = 0; r < rows; r++) {
      const from = sums + (<usize>r << 5);
      const r0 = f32x4.pmin(highs, f32x4.pmax(lows, f32x4.convert_i32x4_s(v128.load(from))));
      const r1 = f32x4.pmin(highs, f32x4.pmax(lows, f32x4.convert_i32x4_s(v128.load(from, 16))));
      const first = i32x4.sub(f32x4.add(r0, magic), magic);
      const second = i32x4.sub(f32x4.add(r1, magic), magic);
      v128.store(logits + <usize>r * row, i16x8.shl(i16x8.narrow_i32x4_s(first, second), 2));
    }
  }
}

/** The same with biases added to the products, `biasRow` bytes from query to query; far below all others where UNSEEN. */
export function biasedCodes(
  rows: i32, queries: usize, keys: usize, count: i32, pairs: i32, zeros: usize, sums: usize, biases: usize, biasRow: usize,
  multiplier: f32, low: f32, high: f32, zeroPoint: i32, logits: usize, row: usize,
): void {
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const below = i32x4.splat(<i32>low + zeroPoint - BELOW);
  const unseen = i32x4.splat(UNSEEN);
  const bytes = <usize>pairs * WIDE_PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 16, biases += 32) {
    dotWide(rows, queries, keys, pairs, zeros, sums);
    for (let r = 0; r < rows; r++) {
      const from = sums + (<usize>r << 5);
      const b0 = v128.load(biases + <usize>r * biasRow);
      const b1 = v128.load(biases + <usize>r * biasRow, 16);
      const r0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(v128.load(from), b0)), multipliers);
      const r1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(v128.load(from, 16), b1)), multipliers);
      const c0 = v128.bitselect(below, encode4(r0, lows, highs, offset), i32x4.eq(b0, unseen));
      const c1 = v128.bitselect(below, encode4(r1, lows, highs, offset), i32x4.eq(b1, unseen));
      v128.store(logits + <usize>r * row, i16x8.shl(i16x8.narrow_i32x4_s(c0, c1), 2));
    }
  }
}
