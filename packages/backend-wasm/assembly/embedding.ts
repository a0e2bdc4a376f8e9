import { packedCode, rowBytes } from './bits';

/**
 * CqEmbedding of `count` ids: rows of a table of packed codes times their scales [rows, groups]; an id is clamped to the
 * rows.
 */
export function embedding(
  ids: usize,
  count: i32,
  table: usize,
  bits: i32,
  rows: i32,
  channels: i32,
  group: i32,
  scale: usize,
  y: usize,
): void {
  const stride = <usize>rowBytes(channels, bits);
  const groups = (channels + group - 1) / group;
  for (let i = 0; i < count; i++, y += <usize>channels << 2) {
    const row = max<i32>(min<i32>(load<i32>(ids + (<usize>i << 2)), rows - 1), 0);
    const from = table + <usize>row * stride;
    let factor = scale + (<usize>(row * groups) << 2);
    for (let first = 0; first < channels; first += group, factor += 4) {
      const last = min<i32>(channels, first + group);
      if (bits == 8) bytes(from, first, last, load<f32>(factor), y);
      else packed(from, bits, first, last, load<f32>(factor), y);
    }
  }
}

function bytes(row: usize, first: i32, last: i32, factor: f32, y: usize): void {
  const factors = f32x4.splat(factor);
  let c = first;
  for (; c + 8 <= last; c += 8) {
    const codes = v128.load8x8_s(row + c);
    const to = y + (<usize>c << 2);
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes)), factors));
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes)), factors), 16);
  }
  for (; c < last; c++) store<f32>(y + (<usize>c << 2), <f32>load<i8>(row + c) * factor);
}

function packed(row: usize, bits: i32, first: i32, last: i32, factor: f32, y: usize): void {
  for (let c = first; c < last; c++) {
    store<f32>(y + (<usize>c << 2), <f32>packedCode(row, <usize>c * bits, bits) * factor);
  }
}
