import { WIDE_PAIR } from './tile';

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

/** The listed rows of keys [count, depth] as a widened weight with an output per key. Absent keys of the last panel mean nothing. */
export function keyPanels(k: usize, rows: usize, count: i32, depth: i32, to: usize): void {
  const pairs = (depth + 1) >> 1;
  for (let j = 0; j < count; j++) {
    const from = k + rowAt(rows, j);
    let at = to + <usize>(j >> 3) * <usize>pairs * WIDE_PAIR + (<usize>(j & 7) << 2);
    let d = 0;
    for (; d + 8 <= depth; d += 8, at += 4 * WIDE_PAIR) {
      const codes = v128.load8x8_s(from + d);
      v128.store32_lane(at, codes, 0);
      v128.store32_lane(at, codes, 1, 32);
      v128.store32_lane(at, codes, 2, 64);
      v128.store32_lane(at, codes, 3, 96);
    }
    for (; d < depth; d += 2, at += WIDE_PAIR) {
      store<i16>(at, <i16>load<i8>(from + d));
      store<i16>(at, d + 1 < depth ? <i16>load<i8>(from + d, 1) : 0, 2);
    }
  }
}

/** The listed rows of values [count, depth] as a widened weight with an input per key. An odd last key is paired with zero. */
export function valuePanels(v: usize, rows: usize, count: i32, depth: i32, to: usize): void {
  for (let d = 0; d < depth; d += 8, v += 8) {
    const columns = min<i32>(8, depth - d);
    for (let j = 0; j < count; j += 2, to += WIDE_PAIR) {
      const paired = j + 1 < count;
      const from = v + rowAt(rows, j);
      const next = paired ? v + rowAt(rows, j + 1) : 0;
      if (columns == 8) {
        const first = v128.load8x8_s(from);
        const second = paired ? v128.load8x8_s(next) : i64x2.splat(0);
        v128.store(to, i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
        v128.store(to, i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      } else {
        for (let c = 0; c < columns; c++) {
          store<i16>(to + (c << 2), <i16>load<i8>(from + c));
          store<i16>(to + (c << 2), paired ? <i16>load<i8>(next + c) : 0, 2);
        }
      }
    }
  }
}
