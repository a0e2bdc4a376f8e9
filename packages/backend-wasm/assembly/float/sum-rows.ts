import { load4, store4 } from './lanes';

/** sums[c] = Σ_r x[r, c] over the rows in order. */
export function sumRows(x: usize, rows: i32, columns: i32, sums: usize): void {
  memory.fill(sums, 0, <usize>columns << 2);
  for (let r = 0; r < rows; r++, x += <usize>columns << 2) addRow(x, columns, sums);
}

/** sums[ids[i], c] = Σ_i x[i, c] over i in order. Rows whose id is none of the segments do not count. */
export function segmentSum(x: usize, ids: usize, rows: i32, columns: i32, segments: i32, sums: usize): void {
  const bytes = <usize>columns << 2;
  memory.fill(sums, 0, <usize>segments * bytes);
  for (let r = 0; r < rows; r++, x += bytes) {
    const id = load<i32>(ids + (<usize>r << 2));
    if (id >= 0 && id < segments) addRow(x, columns, sums + <usize>id * bytes);
  }
}

@inline
function addRow(x: usize, columns: i32, sums: usize): void {
  const zero = f32x4.splat(0);
  for (let left = columns; left > 0; left -= 4, x += 16, sums += 16) {
    store4(sums, f32x4.add(load4(sums, left, zero), load4(x, left, zero)), left);
  }
}
