/**
 * The few arithmetic steps that every integer kernel shares. Each is one IEEE operation or an exact integer one, so
 * that a SIMD kernel can repeat it bit for bit.
 */

/** Adding and taking away 1.5 · 2^52 leaves no room for a fraction: the double is rounded to an integer, half to even. */
const MAGIC = 1.5 * 2 ** 52;
const LIMIT = 2 ** 51;

/** Nearest integer, halves to the even one (`tf.round`, `f32x4.nearest`). `Math.round` rounds halves up: never use it. */
export function roundHalfEven(x: number): number {
  return x > -LIMIT && x < LIMIT ? x + MAGIC - MAGIC : x;
}

const { fround } = Math;

/** `value`, or the nearer of `low` and `high` where it lies outside of them. */
export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}

/** The codes of `bits` bits: two's complement if signed, from zero if not. `[-128, 127]` for 8 signed bits. */
export function codeRange(bits: number, signed = true): readonly [low: number, high: number] {
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/** `round(fround(fround(accumulator) · multiplier))`: a float32 product, then half to even. */
export function requantize(accumulator: number, multiplier: number): number {
  return roundHalfEven(fround(fround(accumulator) * multiplier));
}
