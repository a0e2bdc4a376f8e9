import { CqError, type UniformQuantizer } from '@cq/core';

/**
 * How a scale becomes a power of two: the best of four candidates, or by rounding its logarithm down, up or to the nearest.
 * `float` leaves it as it is, for comparison: integer-only inference needs powers of two.
 */
export type Scales = (typeof scaleMethods)[number];

export const scaleMethods = ['search', 'nearest', 'floor', 'ceil', 'float'] as const;

/** Kernels shift by the difference of two exponents, and float32 holds a scale. */
const MOST = 60;

/**
 * Scales to choose from for `bits`-bit codes that span values over `span`, around s = span / (2^bits − 1); symmetric codes span
 * twice the largest magnitude. With f = ⌊log2 s⌋ the four candidates are 2^(f − 1) … 2^(f + 2). The nearest of two is so on the
 * line, not in the logarithm. Source: P²-ViT (Shi et al. 2024), FQ-ViT (Lin et al. 2022); methods 1.4.
 * @throws CqError, naming `value`, if the span is not positive, or of an exponent that kernels do not shift by.
 */
export function candidateScales(value: string, span: number, bits: number, method: Scales): readonly number[] {
  const fail = (rule: string, got: number): never => {
    throw new CqError(`quantize-pot: "${value}": ${rule}, got ${got}; check the calibration data and the model`);
  };
  if (!(span > 0 && Number.isFinite(span))) fail('its largest magnitude must be a positive number', span);
  const scale = span / (2 ** bits - 1);
  const f = floorLog2(scale);
  if (Math.abs(f) > MOST) fail(`the exponent of its scale must be ${-MOST} to ${MOST}`, f);
  if (method === 'float') return [Math.fround(scale)];
  if (method === 'search') return [f - 1, f, f + 1, f + 2].map((exponent) => 2 ** exponent);
  const up = method === 'ceil' ? scale > 2 ** f : method === 'nearest' && scale - 2 ** f > 2 ** (f + 1) - scale;
  return [2 ** (up ? f + 1 : f)];
}

/** ⌊log2 x⌋, exact whatever the engine's logarithm is. */
export function floorLog2(x: number): number {
  let exponent = Math.round(Math.log2(x));
  while (2 ** exponent > x) exponent--;
  while (2 ** (exponent + 1) <= x) exponent++;
  return exponent;
}

/** Symmetric signed codes of these scales: one, or one for each index along an axis. */
export function symmetricAt(bits: number, scale: ArrayLike<number>, axis?: number): UniformQuantizer {
  const zeroPoint = new Int32Array(scale.length);
  const form = { kind: 'uniform', bits, signed: true, zeroPoint } as const;
  return { ...form, scale: Float32Array.from(scale), ...(axis !== undefined && { axis }) };
}

/** Signal to noise in dB, to a hundredth. */
export function decibels(signal: number, noise: number): number {
  return Math.round(1000 * Math.log10(signal / noise)) / 100;
}
