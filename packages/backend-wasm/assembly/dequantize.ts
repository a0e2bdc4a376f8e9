import { codeAt, loadCode, loadCodes4 } from './codes';

/**
 * y = fround(fround(code − zeroPoint) · scale[c]). Raw accumulators use all of int32, so the difference is taken in
 * float64, where it is exact. scale: float32 [scales], 1 or as many as channels; size is a multiple of scales.
 */
export function dequantize(codes: usize, wide: bool, size: i32, scale: usize, scales: i32, zeroPoint: f64, y: usize): void {
  if (scales == 1) {
    const factor = load<f32>(scale);
    const factors = f32x4.splat(factor);
    let i = 0;
    for (; i + 4 <= size; i += 4) {
      v128.store(y + (<usize>i << 2), f32x4.mul(difference4(codeAt(codes, i, wide), wide, zeroPoint), factors));
    }
    for (; i < size; i++) store<f32>(y + (<usize>i << 2), difference(codeAt(codes, i, wide), wide, zeroPoint) * factor);
    return;
  }
  for (let first = 0; first < size; first += scales) {
    let c = 0;
    for (; c + 4 <= scales; c += 4) {
      const factors = v128.load(scale + (<usize>c << 2));
      const i = first + c;
      v128.store(y + (<usize>i << 2), f32x4.mul(difference4(codeAt(codes, i, wide), wide, zeroPoint), factors));
    }
    for (; c < scales; c++) {
      const i = first + c;
      store<f32>(y + (<usize>i << 2), difference(codeAt(codes, i, wide), wide, zeroPoint) * load<f32>(scale + (<usize>c << 2)));
    }
  }
}

@inline
function difference4(address: usize, wide: bool, zeroPoint: f64): v128 {
  const codes = loadCodes4(address, wide);
  const zero = f64x2.splat(zeroPoint);
  const low = f32x4.demote_f64x2_zero(f64x2.sub(f64x2.convert_low_i32x4_s(codes), zero));
  const high = f32x4.demote_f64x2_zero(f64x2.sub(f64x2.convert_low_i32x4_s(i64x2.shuffle(codes, codes, 1, 0)), zero));
  return i64x2.shuffle(low, high, 0, 2);
}

@inline
function difference(address: usize, wide: bool, zeroPoint: f64): f32 {
  return <f32>(<f64>loadCode(address, wide) - zeroPoint);
}
