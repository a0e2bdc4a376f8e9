// The inner kernel. A tile holds 4 rows of the left matrix, `[depth][4]`; a panel 8 columns of the right one, `[depth][8]`.
// One splatted left number times 4 columns needs no horizontal sum, so every output is a sum over the depth in order;
// 8 accumulators, 2 columns, a splat and a product stay within the 15 vector registers that V8 leaves.

/** Bytes from step to step of the depth. */
export const TILE_STEP: usize = 16;
export const PANEL_STEP: usize = 32;

/** to[r, n] = factor · (from[r, n] + Σ_k tile[k, r] · panel[k, n]) for 4 rows and 8 columns; strides in bytes. */
export function tile(
  x: usize, w: usize, depth: i32, from: usize, fromStride: usize, to: usize, toStride: usize, factor: f32,
): void {
  let a0 = v128.load(from);
  let a1 = v128.load(from, 16);
  from += fromStride;
  let b0 = v128.load(from);
  let b1 = v128.load(from, 16);
  from += fromStride;
  let c0 = v128.load(from);
  let c1 = v128.load(from, 16);
  from += fromStride;
  let d0 = v128.load(from);
  let d1 = v128.load(from, 16);
  const end = x + <usize>depth * TILE_STEP;
  // A longer body makes V8 load ahead until it runs out of registers.
  while (x < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let value = v128.load32_splat(x);
    a0 = f32x4.add(a0, f32x4.mul(value, w0));
    a1 = f32x4.add(a1, f32x4.mul(value, w1));
    value = v128.load32_splat(x, 4);
    b0 = f32x4.add(b0, f32x4.mul(value, w0));
    b1 = f32x4.add(b1, f32x4.mul(value, w1));
    value = v128.load32_splat(x, 8);
    c0 = f32x4.add(c0, f32x4.mul(value, w0));
    c1 = f32x4.add(c1, f32x4.mul(value, w1));
    value = v128.load32_splat(x, 12);
    d0 = f32x4.add(d0, f32x4.mul(value, w0));
    d1 = f32x4.add(d1, f32x4.mul(value, w1));
    x += TILE_STEP;
    w += PANEL_STEP;
  }
  const factors = f32x4.splat(factor);
  v128.store(to, f32x4.mul(a0, factors));
  v128.store(to, f32x4.mul(a1, factors), 16);
  to += toStride;
  v128.store(to, f32x4.mul(b0, factors));
  v128.store(to, f32x4.mul(b1, factors), 16);
  to += toStride;
  v128.store(to, f32x4.mul(c0, factors));
  v128.store(to, f32x4.mul(c1, factors), 16);
  to += toStride;
  v128.store(to, f32x4.mul(d0, factors));
  v128.store(to, f32x4.mul(d1, factors), 16);
}
