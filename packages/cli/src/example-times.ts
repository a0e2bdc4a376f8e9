import { executor, type Dataset, type Graph } from '@cq/core';
import { percentile, spread, type Spread } from '@cq/eval';

export interface ExampleTimes extends Spread {
  /** 19 of 20 are faster, or as fast. */
  readonly p95: number;
}

/** Milliseconds of inference for the first examples, one at a time, after some that do not count. */
export async function exampleTimes(
  graph: Graph,
  dataset: Dataset,
  { warmUp = 3, most = 25 } = {},
): Promise<ExampleTimes> {
  const model = executor(graph);
  const times: number[] = [];
  const infer = async (inputs: Parameters<typeof model.run>[0]): Promise<number> => {
    const start = performance.now();
    const outputs = model.run(inputs);
    for (const output of outputs) await output.data();
    const milliseconds = performance.now() - start;
    for (const output of outputs) output.dispose();
    return milliseconds;
  };
  try {
    const first = Array.from({ length: Math.min(most, dataset.size) }, (_, index) => index);
    for await (const { inputs } of dataset.batches(1, first)) {
      if (times.length === 0) for (let i = 0; i < warmUp; i++) await infer(inputs);
      times.push(await infer(inputs));
    }
  } finally {
    model.dispose();
  }
  return { ...spread(times), p95: percentile(times, 0.95) };
}
