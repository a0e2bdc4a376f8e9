import { codeAt, storeCode, storeCodes8 } from './codes';
import { encode1, encode4, offsetOf } from './round';

/** y = clamp(round(x / scale) + zeroPoint); a NaN counts as zero. `low` and `high` are the bounds less zeroPoint. */
export function quantize(x: usize, size: i32, scale: f32, low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool): void {
  const scales = f32x4.splat(scale);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    const from = x + (<usize>i << 2);
    const first = encode4(numbers(f32x4.div(v128.load(from), scales)), lows, highs, offset);
    const second = encode4(numbers(f32x4.div(v128.load(from, 16), scales)), lows, highs, offset);
    storeCodes8(codeAt(y, i, wide), first, second, wide);
  }
  for (; i < size; i++) {
    const r = load<f32>(x + (<usize>i << 2)) / scale;
    storeCode(codeAt(y, i, wide), encode1(r == r ? r : 0, low, high, zeroPoint), wide);
  }
}

/** NaN → 0. */
@inline
function numbers(r: v128): v128 {
  return v128.and(r, f32x4.eq(r, r));
}
