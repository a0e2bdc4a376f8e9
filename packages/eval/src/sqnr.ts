import { CqError } from '@cq/core';

/** Signal to quantization noise in dB: 10 · log10(Σ reference² / Σ (reference − values)²); Infinity if they are equal. */
export function sqnr(reference: ArrayLike<number>, values: ArrayLike<number>): number {
  const sums = signalAndNoise();
  sums.add(reference, values);
  return sums.decibels();
}

/** The same over parts that come one after another. */
export function signalAndNoise(): {
  add(reference: ArrayLike<number>, values: ArrayLike<number>): void;
  decibels(): number;
} {
  let signal = 0;
  let noise = 0;
  return {
    add(reference, values) {
      if (reference.length !== values.length) {
        throw new CqError(`sqnr: both must have as many values, got ${reference.length} and ${values.length}`);
      }
      for (let i = 0; i < reference.length; i++) {
        signal += reference[i]! ** 2;
        noise += (reference[i]! - values[i]!) ** 2;
      }
    },
    decibels: () => (noise === 0 ? Infinity : 10 * Math.log10(signal / noise)),
  };
}
