import { CqError } from '@cq/core';

interface Source {
  readonly name: string;
  readonly size: number;
  /** What its examples are, in the plural. */
  readonly examples: string;
}

/** The indices that a call of `batches` asks for, all of them by default; refuses what no dataset of this size has. */
export function requested(
  { name, size, examples }: Source,
  batchSize: number,
  indices: readonly number[] = Array.from({ length: size }, (_, index) => index),
): readonly number[] {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new CqError(`${name}: the batch size must be a whole number from 1, got ${batchSize}`);
  }
  const outside = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= size);
  if (outside !== undefined) {
    throw new CqError(`${name}: an index must be from 0 to ${size - 1}, as it has ${size} ${examples}, got ${outside}`);
  }
  return indices;
}
