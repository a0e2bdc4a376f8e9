import type { Solved } from './gptq.ts';
import type { Matrix } from './matrix.ts';
import type { RoundingProblem } from './rounding.ts';
import { symmetric } from './quantizer.ts';

/** Clips of a weight's outputs, and what they lose. */
export interface Clips {
  /** Largest magnitude that is not masked, of each output. */
  readonly largest: Float64Array;
  /** What is kept of it: the largest magnitude that codes reach. */
  readonly clip: Float64Array;
  /** By `solve`, of each output. */
  readonly loss: Float64Array;
}

/**
 * The clip of each output with which its symmetric codes lose least.
 * @param parts What a clip may leave of the largest magnitude, each in (0, 1].
 * @param solve Rounds the weight, `gptqSolver` of its inputs' Gram matrix.
 */
export function searchClips(
  { mask, ...weight }: Matrix,
  bits: number,
  parts: readonly number[],
  solve: (problem: RoundingProblem) => Solved,
): Clips {
  const largest = largestOf(weight, mask);
  const loss = new Float64Array(largest.length).fill(Infinity);
  const clip = largest.slice();
  for (const part of parts) {
    const clipped = largest.map((size) => part * size);
    const problem = { weight, quantizer: symmetric(bits, clipped, 1), ...(mask && { mask }) };
    solve(problem).loss.forEach((lost, n) => {
      if (lost < loss[n]!) [loss[n], clip[n]] = [lost, clipped[n]!];
    });
  }
  return { largest, clip, loss };
}

function largestOf({ shape: [, outputs], data }: Omit<Matrix, 'mask'>, mask?: Float32Array): Float64Array {
  const largest = new Float64Array(outputs);
  data.forEach((value, i) => {
    const size = mask?.[i] === 0 ? 0 : value < 0 ? -value : value;
    if (size > largest[i % outputs]!) largest[i % outputs] = size;
  });
  return largest;
}
