import { CqError, subset, type Dataset } from '@cq/core';
import { sample, sampleIndices } from '@cq/data';

/** Most examples that decide. */
const HELD_BACK = 512;

/**
 * The examples that calibrate, those that `sample` chooses, and others that decide; of few data each gets half.
 * @throws CqError if there are fewer than two.
 */
export function splitCalibration(
  data: Dataset,
  { samples, seed }: { readonly samples: number; readonly seed: number },
): { readonly used: Dataset; readonly heldBack: Dataset } {
  if (data.size < 2) {
    throw new CqError(
      `${data.name}: a search needs at least 2 examples, one to calibrate and one to decide, got ${data.size}`,
    );
  }
  const chosen = sampleIndices(data, Math.min(samples, Math.ceil(data.size / 2)), seed);
  const taken = new Set(chosen);
  const others = Array.from({ length: data.size }, (_, index) => index).filter((index) => !taken.has(index));
  return { used: subset(data, chosen), heldBack: sample(subset(data, others), HELD_BACK, seed) };
}
