import { codeAt, loadCode, loadCodes4, storeCode, storeCodes8 } from './codes';
import { encode1, encode4, offsetOf } from './round';

/** CqAdd on x [items, count]. addend: float32 [count]. `low` and `high` are the bounds of the codes less zeroPoint. */
export function add(
  x: usize, xWide: bool, items: i32, count: i32, addend: usize, inputZeroPoint: i32, multiplier: f32,
  low: f32, high: f32, zeroPoint: i32, y: usize, yWide: bool,
): void {
  const zeros = i32x4.splat(inputZeroPoint);
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  for (let item = 0; item < items; item++, x = codeAt(x, count, xWide), y = codeAt(y, count, yWide)) {
    let i = 0;
    for (; i + 8 <= count; i += 8) {
      const from = codeAt(x, i, xWide);
      const constants = addend + (<usize>i << 2);
      const first = sum4(loadCodes4(from, xWide), zeros, multipliers, v128.load(constants));
      const second = sum4(loadCodes4(codeAt(from, 4, xWide), xWide), zeros, multipliers, v128.load(constants, 16));
      storeCodes8(codeAt(y, i, yWide), encode4(first, lows, highs, offset), encode4(second, lows, highs, offset), yWide);
    }
    for (; i < count; i++) {
      const scaled = <f32>(loadCode(codeAt(x, i, xWide), xWide) - inputZeroPoint) * multiplier;
      const sum = scaled + load<f32>(addend + (<usize>i << 2));
      storeCode(codeAt(y, i, yWide), encode1(sum, low, high, zeroPoint), yWide);
    }
  }
}

@inline
function sum4(codes: v128, zeros: v128, multipliers: v128, constants: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(codes, zeros)), multipliers), constants);
}
