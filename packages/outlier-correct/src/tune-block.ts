import { capture, edit, fit, join, partOf, type Graph, type Parameter, type PassContext, type Passed } from '@cq/core';
import { blockError, EXPECTED } from './block-error.ts';
import { withHeldBack } from './with-held-back.ts';

export interface TuningOptions {
  /** Training steps for each block; 0 leaves everything as it begins. */
  readonly steps: number;
  /** Of Adam, as a fraction of what is learned. */
  readonly rate: number;
  readonly batchSize: number;
  /** Fraction of the calibration data that decides what is kept, and trains nothing. */
  readonly heldBack: number;
}

/** true, or the rule that is broken. */
export function checkTuning({ steps, rate, batchSize, heldBack: fraction }: TuningOptions): true | string {
  if (!Number.isInteger(steps) || steps < 0) return `steps must be a whole number from 0, got ${steps}`;
  if (!(rate > 0)) return `rate must be above 0, got ${rate}`;
  if (!Number.isInteger(batchSize) || batchSize < 1) return `batchSize must be a whole number from 1, got ${batchSize}`;
  return (fraction > 0 && fraction < 1) || `heldBack must be in (0, 1), got ${fraction}`;
}

export interface Tuned {
  readonly graph: Graph;
  /** Mean squared error of the block's output on held-back data. */
  readonly before: number;
  readonly after: number;
}

/** Examples that run together where nothing is trained. */
const BATCH = 8;

/**
 * Trains parameters of a block towards the float block's output, from the inputs that the quantized blocks before it give.
 * Never worse on held-back data than before.
 */
export async function tuneBlock(
  graph: Graph,
  parameters: readonly Parameter[],
  quantized: Passed,
  float: Passed & { readonly graph: Graph },
  { steps, rate, batchSize, heldBack: fraction }: TuningOptions,
  { seed, signal }: PassContext,
): Promise<Tuned> {
  const { output } = float.region;
  const teacher = partOf(float.graph, float);
  const expected = await capture(teacher, { [EXPECTED]: output }, float.inputs, { batchSize: BATCH, signal });
  try {
    const { used, held } = withHeldBack(join(quantized.inputs, expected), fraction);
    let before: number | undefined;
    const fitted = await fit(partOf(graph, quantized), {
      parameters,
      values: [output],
      loss: blockError(output),
      data: used,
      ...{ steps, batchSize, rate, seed, signal },
      schedule: 'cosine',
      validation: { data: held, every: Math.max(1, Math.ceil(steps / 3)) },
      progress: ({ best }) => void (before ??= best!.loss),
    });
    const weights = parameters.map(({ name }) => fitted.graph.weights.get(name)!);
    const after = fitted.best!.loss;
    return { graph: edit(graph, { weights }), before: before ?? after, after };
  } finally {
    await expected.dispose();
  }
}
