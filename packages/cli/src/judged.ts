import type { lower } from '@cq/core';
import type { CompressOptions } from './compress-options.ts';
import type { CompressionReport } from './compression-report.ts';
import { firstExamples, randomExample } from './first-examples.ts';
import { lookInside, type CompressedModel } from './inside.ts';
import type { Io } from './io.ts';
import { latencies } from './latencies.ts';
import { progressBar } from './output.ts';
import type { Roles } from './used-examples.ts';
import { worthOnCalibration, worthOnEvaluation } from './worth.ts';

/** Examples that are looked at from the inside, and on which outputs are compared where no evaluation data are given. */
const [INSIDE, COMPARED] = [4, 32];

/** What the report shows beside what the passes say. */
export async function judged(
  { graph, annotated, lowered }: Omit<CompressedModel, 'left'> & { readonly lowered: ReturnType<typeof lower> },
  { calibration, evaluation }: Roles,
  { json, seed }: Pick<CompressOptions, 'json' | 'seed'>,
  io: Io,
): Promise<Pick<CompressionReport, 'inside' | 'worth' | 'latency'>> {
  const examples = calibration ? await firstExamples(calibration, COMPARED) : randomExample(graph, seed);
  const inside = lookInside({ graph, annotated, left: lowered.left }, examples.slice(0, calibration ? INSIDE : 0));
  const latency = examples.length === 0 ? undefined : latencies(graph, lowered.graph, examples[0]!);
  const bar = progressBar(io, 'evaluation', json === true);
  try {
    const worth = evaluation
      ? await worthOnEvaluation(graph, lowered.graph, evaluation, { progress: bar.update, signal: io.signal })
      : await worthOnCalibration(graph, lowered.graph, calibration ? examples : []);
    return { inside, ...(worth && { worth }), ...(latency && { latency }) };
  } finally {
    bar.stop();
  }
}
