// Rounding to codes, half to even. A clamped float32 is below 2^22, so that adding 1.5 · 2^23 leaves no room for a
// fraction: the hardware rounds, and the integer stands in the low bits of the sum. Clamping before rounding gives what
// the definition (clamping after it) gives, because the bounds are integers.

export const MAGIC: f32 = 12582912;
const MAGIC_BITS: i32 = 0x4b400000;

/** What `encode4` adds to the bits of its sum. */
@inline
export function offsetOf(zeroPoint: i32): i32 {
  return zeroPoint - MAGIC_BITS;
}

/** clamp(round(r) + zeroPoint) of 4 float32, as int32; NaN gives 0. `low` and `high` are the bounds less zeroPoint. */
@inline
export function encode4(r: v128, low: v128, high: v128, offset: v128): v128 {
  return v128.and(encodeNumbers4(r, low, high, offset), f32x4.eq(r, r));
}

/** The same with splats that are loaded: V8 computes others anew in every turn of a loop. `magic`: of MAGIC. */
@inline
export function encodeBy4(r: v128, low: v128, high: v128, magic: v128, offset: v128): v128 {
  return v128.and(i32x4.add(f32x4.add(f32x4.pmin(high, f32x4.pmax(low, r)), magic), offset), f32x4.eq(r, r));
}

/** The same where no NaN can be. */
@inline
export function encodeNumbers4(r: v128, low: v128, high: v128, offset: v128): v128 {
  return i32x4.add(f32x4.add(f32x4.pmin(high, f32x4.pmax(low, r)), f32x4.splat(MAGIC)), offset);
}

/** The same for one number. */
@inline
export function encode1(r: f32, low: f32, high: f32, zeroPoint: i32): i32 {
  return r != r ? 0 : <i32>nearest<f32>(min<f32>(max<f32>(r, low), high)) + zeroPoint;
}
