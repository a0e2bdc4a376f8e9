import { CqError, subset, type Dataset } from '@cq/core';
import { sample } from '@cq/data';

/** Most examples that decide. */
const HELD_BACK = 512;

/**
 * The examples that calibrate, those that `sample` chooses, and others that decide; of few data each gets half.
 * @throws CqError if there are fewer than two.
 */
export async function splitCalibration(
  data: Dataset,
  { samples, seed }: { readonly samples: number; readonly seed: number },
): Promise<{ readonly used: Dataset; readonly heldBack: Dataset }> {
  if (data.size < 2) {
    throw new CqError(
      `${data.name}: a search needs at least 2 examples, one to calibrate and one to decide, got ${data.size}`,
    );
  }
  const used = sample(data, Math.min(samples, Math.ceil(data.size / 2)), seed);
  const chosen = new Set(await indicesOf(data, used.size, seed));
  const others = Array.from({ length: data.size }, (_, index) => index).filter((index) => !chosen.has(index));
  const rest = subset(data, others);
  return { used, heldBack: sample(rest, Math.min(rest.size, HELD_BACK), seed) };
}

/** Which examples `sample` chooses: those that it asks a source for that has their numbers as contents. */
async function indicesOf({ name, size, batches }: Dataset, count: number, seed: number): Promise<number[]> {
  const chosen: number[] = [];
  const numbers = sample(
    {
      ...{ name, size, batches },
      async *contents(indices = []) {
        for (const index of indices) yield { digest: '', place: String(index) };
      },
    },
    count,
    seed,
  );
  for await (const { place } of numbers.contents!()) chosen.push(Number(place));
  return chosen;
}
