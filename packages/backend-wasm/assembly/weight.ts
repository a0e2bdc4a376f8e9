import { packedCode, rowBytes } from './bits';

/**
 * CqWeight of `size` codes in rows of `columns`. levels: 0 where codes are decoded by arithmetic. Entry i of channel
 * (i / inner) % channels shares a scale with the `group` entries of the channel around it.
 */
export function weight(
  codes: usize,
  bits: i32,
  size: i32,
  columns: i32,
  channels: i32,
  inner: i32,
  group: i32,
  scale: usize,
  levels: usize,
  zeroPoint: f64,
  y: usize,
): void {
  const stride = rowBytes(columns, bits);
  const groups = (size / channels + group - 1) / group;
  const half = 1 << (bits - 1);
  let column = 0;
  let bit: usize = 0;
  for (let outer = 0, end = y + (<usize>size << 2); y < end; outer += inner) {
    for (let channel = 0; channel < channels; channel++) {
      for (let entry = outer; entry < outer + inner; ) {
        const last = min(outer + inner, entry + group - (entry % group));
        const factor = load<f32>(scale + (<usize>(channel * groups + entry / group) << 2));
        for (; entry < last; entry++, y += 4) {
          const code = packedCode(codes, bit, bits);
          const value = levels ? load<f32>(levels + (<usize>(code + half) << 2)) : <f32>(<f64>code - zeroPoint);
          store<f32>(y, value * factor);
          bit += bits;
          if (++column == columns) {
            column = 0;
            bit = 0;
            codes += stride;
          }
        }
      }
    }
  }
}
