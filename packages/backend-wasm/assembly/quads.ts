// The inner kernels for weights of 1 to 4 bits where there is relaxed SIMD. A tile holds 4 rows of activations as int8, quad by
// quad: `[quads][4 rows][4]`, 16 bytes a quad, and behind them int32 `[4 rows]`, which makes sums over codes of sums over
// stored codes. A panel holds 8 outputs of a weight as unpacked by `linesOf`: `[quads][8 outputs][4]`, 32 bytes a quad. One
// splatted quad times 4 outputs is one instruction, 16 products summed in pairs to int16. Relaxed SIMD leaves open what it gives
// if a byte of its second operand is above 127; stored codes are below 16. int16 has room for the sums of several quads.

/** Bytes of a quad in a tile. */
export const QUAD: usize = 16;

/** Whether weights stored in so many bits are multiplied here. */
@inline
export function inQuads(bits: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && bits <= 4;
}

@inline
export function quads(inputs: i32): i32 {
  return (inputs + 3) >> 2;
}

@inline
function multiplyAdd(sums: v128, x: v128, w: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.add(sums, i16x8.relaxed_dot_i8x16_i7x16_s(x, w));
  return sums;
}

/** Adds int16 `[4 outputs][2]` to int32 `[4 outputs]`. */
@inline
function widenAdd(sums: usize, pairs: v128): void {
  v128.store(sums, i32x4.add(v128.load(sums), i32x4.dot_i16x8_s(pairs, i16x8.splat(1))));
}

/** Quads whose sums fit int16: each adds at most 2 · 128 · (2^bits − 1). */
@inline
function depthOf(bits: i32): i32 {
  return 127 / ((1 << bits) - 1);
}

/** sums[r, n] = start[n] + Σ_k x[r, k] · w[n, k] for 4 rows. */
function dotQuads4(x: usize, w: usize, quads: i32, bits: i32, start: usize, sums: usize): void {
  const start0 = v128.load(start);
  const start1 = v128.load(start, 16);
  const rows = x + <usize>quads * QUAD;
  for (let r: usize = 0; r < 4; r++) {
    const correction = v128.load32_splat(rows + (r << 2));
    v128.store(sums + (r << 5), i32x4.add(start0, correction));
    v128.store(sums + (r << 5), i32x4.add(start1, correction), 16);
  }
  const depth = <usize>depthOf(bits) * QUAD;
  while (x < rows) {
    const end = min<usize>(x + depth, rows);
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let b0 = i64x2.splat(0);
    let b1 = i64x2.splat(0);
    let c0 = i64x2.splat(0);
    let c1 = i64x2.splat(0);
    let d0 = i64x2.splat(0);
    let d1 = i64x2.splat(0);
    do {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let quad = v128.load32_splat(x);
      a0 = multiplyAdd(a0, quad, w0);
      a1 = multiplyAdd(a1, quad, w1);
      quad = v128.load32_splat(x, 4);
      b0 = multiplyAdd(b0, quad, w0);
      b1 = multiplyAdd(b1, quad, w1);
      quad = v128.load32_splat(x, 8);
      c0 = multiplyAdd(c0, quad, w0);
      c1 = multiplyAdd(c1, quad, w1);
      quad = v128.load32_splat(x, 12);
      d0 = multiplyAdd(d0, quad, w0);
      d1 = multiplyAdd(d1, quad, w1);
      x += QUAD;
      w += 2 * QUAD;
    } while (x < end);
    widenAdd(sums, a0);
    widenAdd(sums + 16, a1);
    widenAdd(sums + 32, b0);
    widenAdd(sums + 48, b1);
    widenAdd(sums + 64, c0);
    widenAdd(sums + 80, c1);
    widenAdd(sums + 96, d0);
    widenAdd(sums + 112, d1);
  }
}

/** The same for the first row of a tile alone. */
function dotQuads1(x: usize, w: usize, quads: i32, bits: i32, start: usize, sums: usize): void {
  const rows = x + <usize>quads * QUAD;
  const correction = v128.load32_splat(rows);
  v128.store(sums, i32x4.add(v128.load(start), correction));
  v128.store(sums, i32x4.add(v128.load(start, 16), correction), 16);
  const depth = <usize>depthOf(bits) * QUAD;
  while (x < rows) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    for (const end = min<usize>(x + depth, rows); x < end; x += QUAD, w += 2 * QUAD) {
      const quad = v128.load32_splat(x);
      a0 = multiplyAdd(a0, quad, v128.load(w));
      a1 = multiplyAdd(a1, quad, v128.load(w, 16));
    }
    widenAdd(sums, a0);
    widenAdd(sums + 16, a1);
  }
}

/** `rows` may be less than 4; the sums of absent rows mean nothing. */
@inline
export function dotQuads(rows: i32, x: usize, w: usize, quads: i32, bits: i32, start: usize, sums: usize): void {
  if (rows == 1) dotQuads1(x, w, quads, bits, start, sums);
  else dotQuads4(x, w, quads, bits, start, sums);
}

/** One row of int8 into its place in a tile. Of weights stored in so many bits each stored code is 2^(bits−1) too large. */
export function fillQuads(x: usize, inputs: i32, bits: i32, to: usize): void {
  let k = 0;
  let sums = i64x2.splat(0);
  for (; k + 16 <= inputs; k += 16, x += 16, to += 4 * QUAD) {
    const codes = v128.load(x);
    v128.store32_lane(to, codes, 0);
    v128.store32_lane(to, codes, 1, 16);
    v128.store32_lane(to, codes, 2, 32);
    v128.store32_lane(to, codes, 3, 48);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(codes)));
  }
  sums = i32x4.add(sums, i64x2.shuffle(sums, sums, 1, 0));
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  for (; k < inputs; k += 4, to += QUAD) {
    let quad: u32 = 0;
    for (let j = 0; j < min<i32>(4, inputs - k); j++, x++) {
      quad |= <u32>load<u8>(x) << (j << 3);
      sum += <i32>load<i8>(x);
    }
    store<u32>(to, quad);
  }
  store<i32>(to, -sum << (bits - 1));
}
