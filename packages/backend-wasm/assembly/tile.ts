// The inner kernels. A tile holds 4 rows of activations as int16, pair by pair: `[pairs][4 rows][2]`, 16 bytes a pair. A
// panel holds 8 outputs of a weight as int8: `[pairs][8 outputs][2]`, 16 bytes a pair (layout `k2n8`). One splatted pair of
// activations times 4 outputs is one dot instruction and needs no horizontal sum; 8 accumulators, 2 weights and a splat stay
// within the 15 vector registers that V8 leaves. A panel that meets many rows is widened to int16 first, 32 bytes a pair.

/** Bytes of a pair in a tile or a panel. */
export const PAIR: usize = 16;
/** Bytes of the sums of a tile, int32 `[4 rows][8 outputs]`. */
export const SUMS: usize = 128;
/** int32 `[8]` of zeros or biases, from which sums start. */
export const START: usize = 32;

/** Bytes of a pair in a widened panel. */
export const WIDE_PAIR: usize = 32;

/** 4 outputs of a pair, the first or the second. */
@inline
function weights(w: usize, half: usize, wide: bool): v128 {
  return wide ? v128.load(w + (half << 4)) : v128.load8x8_s(w + (half << 3));
}

/** sums[r, n] = start[n] + Σ_k x[r, k] · w[n, k] for 4 rows. */
@inline
function dot4(x: usize, w: usize, wide: bool, pairs: i32, start: usize, sums: usize): void {
  let a0 = v128.load(start);
  let a1 = v128.load(start, 16);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  const end = x + <usize>pairs * PAIR;
  // A longer body makes V8 load ahead until it runs out of registers.
  do {
    const w0 = weights(w, 0, wide);
    const w1 = weights(w, 1, wide);
    let pair = v128.load32_splat(x);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, w0));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, w1));
    pair = v128.load32_splat(x, 4);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pair, w0));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pair, w1));
    pair = v128.load32_splat(x, 8);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, w0));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, w1));
    pair = v128.load32_splat(x, 12);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(pair, w0));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(pair, w1));
    x += PAIR;
    w += wide ? WIDE_PAIR : PAIR;
  } while (x < end);
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
}

/** The same for the first row of a tile alone. */
@inline
function dot1(x: usize, w: usize, wide: bool, pairs: i32, start: usize, sums: usize): void {
  let a0 = v128.load(start);
  let a1 = v128.load(start, 16);
  for (const end = x + <usize>pairs * PAIR; x < end; x += PAIR, w += wide ? WIDE_PAIR : PAIR) {
    const pair = v128.load32_splat(x);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, weights(w, 0, wide)));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, weights(w, 1, wide)));
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
}

/** With a panel of int8. `rows` may be less than 4; the sums of absent rows mean nothing. */
export function dotTile(rows: i32, x: usize, w: usize, pairs: i32, start: usize, sums: usize): void {
  if (rows == 1) dot1(x, w, false, pairs, start, sums);
  else dot4(x, w, false, pairs, start, sums);
}

/** With a panel of int16. Inlined, as V8 makes a loop of it that is 7 % faster than in a function of its own. */
@inline
export function dotWide(rows: i32, x: usize, w: usize, pairs: i32, start: usize, sums: usize): void {
  if (rows == 1) dot1(x, w, true, pairs, start, sums);
  else dot4(x, w, true, pairs, start, sums);
}

/** The same with a panel that has only some runs of pairs, and 4 rows always. */
export function dotRuns(x: usize, w: usize, runs: usize, count: i32, start: usize, sums: usize): void {
  let a0 = v128.load(start);
  let a1 = v128.load(start, 16);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  for (const last = runs + (<usize>count << 3); runs < last; runs += 8) {
    let at = x + <usize>load<u32>(runs);
    const end = x + <usize>load<u32>(runs, 4);
    do {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let pair = v128.load32_splat(at);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, w0));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(at, 4);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pair, w0));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(at, 8);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, w0));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(at, 12);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(pair, w0));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(pair, w1));
      at += PAIR;
      w += WIDE_PAIR;
    } while (at < end);
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
}

/** Widens rows of int8 into tiles. Absent rows of the last tile are left as they are. */
export function fillTiles(x: usize, stride: i32, rows: i32, inputs: i32, tiles: usize): void {
  const pairs = (inputs + 1) >> 1;
  for (let row = 0; row < rows; row++, x += stride) {
    const tile = tiles + <usize>(row >> 2) * <usize>pairs * PAIR + (<usize>(row & 3) << 2);
    fillRow(x, inputs, tile);
  }
}

/** Widens one row into its place in a tile; an odd last code is paired with zero. */
export function fillRow(x: usize, inputs: i32, to: usize): void {
  let k = 0;
  for (; k + 8 <= inputs; k += 8, x += 8, to += 4 * PAIR) {
    const codes = v128.load8x8_s(x);
    v128.store32_lane(to, codes, 0);
    v128.store32_lane(to, codes, 1, 16);
    v128.store32_lane(to, codes, 2, 32);
    v128.store32_lane(to, codes, 3, 48);
  }
  for (; k < inputs; k += 2, x += 2, to += PAIR) {
    store<i16>(to, <i16>load<i8>(x));
    store<i16>(to, k + 1 < inputs ? <i16>load<i8>(x, 1) : 0, 2);
  }
}
