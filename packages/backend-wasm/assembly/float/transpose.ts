/**
 * y[i, j, k, l, m, n] = x at i · si + … + n · sn, of 4 bytes each: any order of at most 6 axes. Sizes are y's, strides are
 * numbers of x from one index to the next.
 */
export function transpose(
  x: usize, i: i32, j: i32, k: i32, l: i32, m: i32, n: i32, si: i32, sj: i32, sk: i32, sl: i32, sm: i32, sn: i32, y: usize,
): void {
  const row = <usize>n << 2;
  const step = <usize>sn << 2;
  for (let a = 0; a < i; a++) {
    for (let b = 0; b < j; b++) {
      for (let c = 0; c < k; c++) {
        for (let d = 0; d < l; d++) {
          let from = x + (<usize>(a * si + b * sj + c * sk + d * sl) << 2);
          for (let e = 0; e < m; e++, from += <usize>sm << 2) {
            const end = y + row;
            for (let at = from; y < end; y += 4, at += step) store<i32>(y, load<i32>(at));
          }
        }
      }
    }
  }
}
