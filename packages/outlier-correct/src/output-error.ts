import {
  asymmetric,
  join,
  objective,
  quantizeWeights,
  region,
  subgraph,
  symmetric,
  withFakeQuantize,
  type PassContext,
} from '@cq/core';
import { blockError } from './block-error.ts';
import type { ChannelExtremes } from './channel-extremes.ts';
import type { Seen } from './fold-target.ts';
import { BATCH, type Judge } from './judges.ts';
import { silent } from './silent.ts';
import { readersOf, type Target } from './targets.ts';

/** The bits that a value and the weights that read it will have. */
export interface Bits {
  readonly weights: number;
  readonly activations: number;
}

/**
 * Mean squared error of the output if the target, the activations that are folded with it and the weights that read it are
 * quantized, each over all that was seen, and nothing else is.
 */
export async function outputError(
  { graph, extremes }: Seen,
  { value }: Target,
  { region: { input, output }, inputs, outputs }: Judge,
  bits: Bits,
  context: PassContext,
): Promise<number> {
  let part = subgraph(graph, region(graph, input, output), inputs.inputs);
  const only = [...new Set(readersOf(part, value).map(({ weight }) => weight))];
  if (only.length > 0) part = await quantizeWeights({ bits: bits.weights, only }).run(part, silent(context));
  for (const [name, seen] of extremes) {
    const [low, high] = rangeOf(seen);
    const asked = name === value && only.length > 0 ? 'operand' : 'factor';
    const quantizer =
      asked === 'operand'
        ? asymmetric(bits.activations, low, high)
        : symmetric(bits.activations, [Math.max(-low, high)]);
    part = withFakeQuantize(part, name, quantizer);
  }
  const model = objective(part, { values: [output], loss: blockError(output) });
  try {
    let sum = 0;
    for await (const batch of join(inputs, outputs).batches(BATCH)) {
      context.signal.throwIfAborted();
      const share = Object.values(batch.inputs)[0]!.shape[0]! / inputs.size;
      sum += share * (await model.loss(new Map(), batch));
    }
    return sum;
  } finally {
    model.dispose();
  }
}

const rangeOf = ({ min, max }: ChannelExtremes): [low: number, high: number] => [
  min.reduce((least, low) => Math.min(least, low), Infinity),
  max.reduce((most, high) => Math.max(most, high), -Infinity),
];
