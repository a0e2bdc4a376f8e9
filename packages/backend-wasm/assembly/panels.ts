import { PAIR } from './tile';

/** Panels of 8 outputs. */
@inline
export function panels(outputs: i32): i32 {
  return (outputs + 7) >> 3;
}

/** Offset of row `j` of a list. */
@inline
function rowAt(rows: usize, j: i32): usize {
  return <usize>load<u32>(rows + (<usize>j << 2));
}

/** The listed rows of keys [count, depth] as a weight with an output per key. Absent keys of the last panel mean nothing. */
export function keyPanels(k: usize, rows: usize, count: i32, depth: i32, to: usize): void {
  const pairs = (depth + 1) >> 1;
  for (let j = 0; j < count; j++) {
    const from = k + rowAt(rows, j);
    let at = to + <usize>(j >> 3) * <usize>pairs * PAIR + (<usize>(j & 7) << 1);
    let d = 0;
    for (; d + 2 <= depth; d += 2, at += PAIR) store<u16>(at, load<u16>(from + d));
    if (d < depth) store<u16>(at, <u16>load<u8>(from + d));
  }
}

/** The listed rows of values [count, depth] as a weight with an input per key. An odd last key is paired with zero. */
export function valuePanels(v: usize, rows: usize, count: i32, depth: i32, to: usize): void {
  for (let d = 0; d < depth; d += 8, v += 8) {
    const columns = min<i32>(8, depth - d);
    for (let j = 0; j < count; j += 2, to += PAIR) {
      const paired = j + 1 < count;
      const from = v + rowAt(rows, j);
      const next = paired ? v + rowAt(rows, j + 1) : 0;
      if (columns == 8) {
        const first = v128.load64_zero(from);
        const second = paired ? v128.load64_zero(next) : i64x2.splat(0);
        v128.store(to, i8x16.shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      } else {
        for (let c = 0; c < columns; c++) {
          store<u8>(to + (c << 1), load<u8>(from + c));
          store<u8>(to + (c << 1), paired ? load<u8>(next + c) : 0, 1);
        }
      }
    }
  }
}
