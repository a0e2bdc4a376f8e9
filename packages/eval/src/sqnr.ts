import { CqError } from '@cq/core';

/** Signal to quantization noise in dB: 10 · log10(Σ reference² / Σ (reference − values)²); Infinity if they are equal. */
export function sqnr(reference: ArrayLike<number>, values: ArrayLike<number>): number {
  if (reference.length !== values.length) {
    throw new CqError(`sqnr: both must have as many values, got ${reference.length} and ${values.length}`);
  }
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i]! ** 2;
    noise += (reference[i]! - values[i]!) ** 2;
  }
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}
