/** CqEmbedding of `count` ids: rows of table [rows, channels] times the scale of the row; an id is clamped to the rows. */
export function embedding(ids: usize, count: i32, table: usize, rows: i32, channels: i32, scale: usize, y: usize): void {
  for (let i = 0; i < count; i++) {
    const row = max<i32>(min<i32>(load<i32>(ids + (<usize>i << 2)), rows - 1), 0);
    const factor = load<f32>(scale + (<usize>row << 2));
    const factors = f32x4.splat(factor);
    const from = table + <usize>row * <usize>channels;
    let c = 0;
    for (; c + 8 <= channels; c += 8, y += 32) {
      const codes = v128.load8x8_s(from + c);
      v128.store(y, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes)), factors));
      v128.store(y, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes)), factors), 16);
    }
    for (; c < channels; c++, y += 4) store<f32>(y, <f32>load<i8>(from + c) * factor);
  }
}
