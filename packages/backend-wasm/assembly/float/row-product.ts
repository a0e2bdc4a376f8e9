import { load4, store4 } from './lanes';

/** What `matMul` does, for one row and a right matrix that is stored by its rows: it is read in place, once. Steps in bytes. */
export function rowProduct(
  a: usize, aDepth: usize, b: usize, bDepth: usize, c: usize, columns: i32, depth: i32, start: usize, more: bool, factor: f32,
): void {
  const factors = f32x4.splat(factor);
  const zero = f32x4.splat(0);
  const from = more ? c : start;
  let left = columns;
  let at: usize = 0;
  for (; left >= 16; left -= 16, at += 64) {
    let s0 = zero;
    let s1 = zero;
    let s2 = zero;
    let s3 = zero;
    if (from != 0) {
      s0 = v128.load(from + at);
      s1 = v128.load(from + at, 16);
      s2 = v128.load(from + at, 32);
      s3 = v128.load(from + at, 48);
    }
    for (let k = 0, x = a, w = b + at; k < depth; k++, x += aDepth, w += bDepth) {
      const value = v128.load32_splat(x);
      s0 = f32x4.add(s0, f32x4.mul(value, v128.load(w)));
      s1 = f32x4.add(s1, f32x4.mul(value, v128.load(w, 16)));
      s2 = f32x4.add(s2, f32x4.mul(value, v128.load(w, 32)));
      s3 = f32x4.add(s3, f32x4.mul(value, v128.load(w, 48)));
    }
    v128.store(c + at, f32x4.mul(s0, factors));
    v128.store(c + at, f32x4.mul(s1, factors), 16);
    v128.store(c + at, f32x4.mul(s2, factors), 32);
    v128.store(c + at, f32x4.mul(s3, factors), 48);
  }
  for (; left > 0; left -= 4, at += 16) {
    let sum = from != 0 ? load4(from + at, left, zero) : zero;
    for (let k = 0, x = a, w = b + at; k < depth; k++, x += aDepth, w += bDepth) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x), load4(w, left, zero)));
    }
    store4(c + at, f32x4.mul(sum, factors), left);
  }
}
