import { executor, weightBytes, type ArrayTensor, type Dataset, type Executor, type Graph } from '@cq/core';
import { agreementCounter, isHit, median, sequenceDigest } from '@cq/eval';
import type { BackendName, Comparison } from '../protocol.ts';
import { runnableOn, useBackend } from './backends.ts';

export interface Pair {
  readonly float: Graph;
  readonly compressed: Graph;
}

/**
 * Both models on the same examples, one after the other on each, so that a busy moment hits both.
 * @param indices Those of the data that calibration has not seen.
 */
export async function compare(
  { float, compressed }: Pair,
  data: Dataset,
  indices: readonly number[],
  backend: BackendName,
  progress: (share: number) => void,
): Promise<Comparison> {
  await useBackend(backend);
  const sides = [float, compressed].map((graph) => ({
    graph,
    model: executor(runnableOn(backend, graph)),
    digest: sequenceDigest(indices.length),
    times: [] as number[],
    correct: 0,
  }));
  const nearness = agreementCounter();
  let done = 0;
  let labelled = true;
  try {
    for await (const { inputs, labels } of data.batches(1, indices)) {
      const logits: Float32Array[] = [];
      for (const side of sides) {
        const start = performance.now();
        const given = await firstOutput(side.model, side.graph, inputs);
        side.times.push(performance.now() - start);
        logits.push(given);
        await side.digest.set(done, given);
        if (labels) side.correct += Number(isHit(given, labels[0]!));
      }
      labelled &&= labels !== undefined;
      nearness.add(logits[0]!, logits[1]!);
      progress(++done / indices.length);
    }
  } finally {
    for (const { model } of sides) model.dispose();
  }
  const measured = await Promise.all(
    sides.map(async ({ graph, digest, times, correct }) => ({
      bytes: weightBytes(graph),
      milliseconds: median(times),
      logitsSha256: await digest.hex(),
      ...(labelled && { correct }),
    })),
  );
  return {
    ...{ backend, count: done, agreement: nearness.result().agreement },
    ...{ float: measured[0]!, compressed: measured[1]! },
  };
}

/** Logits of one example. */
export async function firstOutput(
  model: Executor,
  graph: Graph,
  inputs: Readonly<Record<string, ArrayTensor>>,
): Promise<Float32Array> {
  const [output] = model.run(inputs, [graph.outputs[0]!.name]);
  try {
    return (await output!.data()) as Float32Array;
  } finally {
    output!.dispose();
  }
}
