import {
  codebook,
  quantizerOf,
  quantizeUniform,
  roles,
  type Graph,
  type PassContext,
  type Quantizer,
  type RangeMethod,
} from '@cq/core';
import { silent } from './silent.ts';

export interface StepCodes {
  /** Bits of activation codes, 2 to 8. */
  readonly activations: number;
  /** How ranges are chosen from histograms to begin with. */
  readonly range: RangeMethod;
  /** Codes of attention probabilities: squares, which are finest near 0 where most of them are, or evenly spaced. */
  readonly probabilities: 'square' | 'uniform';
}

/** A quantizer for every activation that `quantizeUniform` would give one, by role. */
export async function initialSteps(
  graph: Graph,
  { activations, range, probabilities }: StepCodes,
  context: PassContext,
): Promise<ReadonlyMap<string, Quantizer>> {
  const annotated = await quantizeUniform({ activations, range }).run(graph, silent(context));
  const found = new Map<string, Quantizer>();
  for (const [value, role] of roles(graph, () => true)) {
    const quantizer = quantizerOf(annotated, value);
    if (!quantizer || quantizerOf(graph, value)) continue;
    found.set(value, role === 'probability' && probabilities === 'square' ? squares(activations) : quantizer);
  }
  return found;
}

/**
 * The levels (q / top)² of [0, 1]. Attention sums N probabilities whose errors are then as the square root of each: of all
 * codes these make the least of the sum of squared errors, whatever the probabilities are, since they sum to 1.
 */
const squares = (bits: number): Quantizer =>
  codebook(Float64Array.from({ length: 2 ** bits }, (_, code) => (code / (2 ** bits - 1)) ** 2));
