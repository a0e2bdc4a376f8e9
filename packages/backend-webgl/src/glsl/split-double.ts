/** Far beyond any sum that LayerNorm adds to it, and still an exponent that its text takes. */
const INFINITE = { mantissa: [0x100000, 0], exponent: 2900 } as const;

/** A double >= 0 as glsl/float64.ts takes it: mantissa · 2^(exponent − 1200), the mantissa in two words. */
export function splitDouble(value: number): {
  readonly mantissa: readonly [high: number, low: number];
  readonly exponent: number;
} {
  if (value === Infinity) return INFINITE;
  let exponent = 1200;
  let mantissa = value;
  while (mantissa >= 2 ** 53) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa % 1 !== 0) {
    mantissa *= 2;
    exponent--;
  }
  return { mantissa: [Math.floor(mantissa / 2 ** 32), (mantissa % 2 ** 32) >>> 0], exponent };
}
