import { PAIR } from './tile';

/** Panels of 8 outputs. */
@inline
export function panels(outputs: i32): i32 {
  return (outputs + 7) >> 3;
}

/** Rows of keys [tokens, depth] as a weight with an output per token. Absent tokens of the last panel mean nothing. */
export function keyPanels(k: usize, stride: i32, tokens: i32, depth: i32, to: usize): void {
  const pairs = (depth + 1) >> 1;
  for (let j = 0; j < tokens; j++, k += stride) {
    let at = to + <usize>(j >> 3) * <usize>pairs * PAIR + (<usize>(j & 7) << 1);
    let d = 0;
    for (; d + 2 <= depth; d += 2, at += PAIR) store<u16>(at, load<u16>(k + d));
    if (d < depth) store<u16>(at, <u16>load<u8>(k + d));
  }
}

/** Rows of values [tokens, depth] as a weight with an input per token. An odd last token is paired with zero. */
export function valuePanels(v: usize, stride: i32, tokens: i32, depth: i32, to: usize): void {
  for (let d = 0; d < depth; d += 8) {
    const columns = min<i32>(8, depth - d);
    let from = v + d;
    for (let j = 0; j < tokens; j += 2, from += 2 * stride, to += PAIR) {
      const paired = j + 1 < tokens;
      if (columns == 8) {
        const first = v128.load64_zero(from);
        const second = paired ? v128.load64_zero(from + stride) : i64x2.splat(0);
        v128.store(to, i8x16.shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      } else {
        for (let c = 0; c < columns; c++) {
          store<u8>(to + (c << 1), load<u8>(from + c));
          store<u8>(to + (c << 1), paired ? load<u8>(from + stride + c) : 0, 1);
        }
      }
    }
  }
}
