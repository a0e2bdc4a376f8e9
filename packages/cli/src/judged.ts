import type { lower } from '@cq/core';
import type { CompressionReport } from './compression-report.ts';
import { firstExamples, randomExample } from './first-examples.ts';
import { lookInside, type CompressedModel } from './inside.ts';
import { latencies } from './latencies.ts';
import type { Roles } from './used-examples.ts';
import { worthOnCalibration, worthOnEvaluation } from './worth.ts';

/** Examples that are looked at from the inside, and on which outputs are compared where no evaluation data are given. */
const [INSIDE, COMPARED] = [4, 32];

/** How a model is judged. */
export interface JudgeOptions {
  /** Chooses the input where there are no data. */
  readonly seed: number;
  /** Told the evaluation examples done and their total. */
  readonly progress: (done: number, total: number) => void;
  /** Ends the work. */
  readonly signal: AbortSignal;
}

/**
 * What the report shows beside what the passes say: the model from the inside, its worth on evaluation data or, without
 * labels, its agreement on some of the calibration data, and the latency of both models on the current backend.
 */
export async function judged(
  { graph, annotated, lowered }: Omit<CompressedModel, 'left'> & { readonly lowered: ReturnType<typeof lower> },
  { calibration, evaluation }: Roles,
  { seed, progress, signal }: JudgeOptions,
): Promise<Pick<CompressionReport, 'inside' | 'worth' | 'latency'>> {
  const examples = calibration ? await firstExamples(calibration, COMPARED) : randomExample(graph, seed);
  const inside = lookInside({ graph, annotated, left: lowered.left }, examples.slice(0, calibration ? INSIDE : 0));
  const latency = examples.length === 0 ? undefined : latencies(graph, lowered.graph, examples[0]!);
  const worth = evaluation
    ? await worthOnEvaluation(graph, lowered.graph, evaluation, { progress, signal })
    : await worthOnCalibration(graph, lowered.graph, calibration ? examples : []);
  return { inside, ...(worth && { worth }), ...(latency && { latency }) };
}
