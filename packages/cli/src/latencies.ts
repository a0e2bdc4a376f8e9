import { executor, type ArrayTensor, type Graph } from '@cq/core';
import { spread, type Spread } from '@cq/eval';

/** Rounds that do not count, and that do. */
const [WARM_UP, ROUNDS] = [2, 9];

/** Milliseconds of one example in two models on the kernels at hand, in turns, so that whatever else the machine does meets both. */
export function latencies(
  before: Graph,
  after: Graph,
  inputs: Readonly<Record<string, ArrayTensor>>,
): { readonly before: Spread; readonly after: Spread } {
  const models = [executor(before), executor(after)];
  const times = models.map((): number[] => []);
  try {
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const [i, model] of models.entries()) {
        const start = performance.now();
        for (const output of model.run(inputs)) {
          output.dataSync();
          output.dispose();
        }
        if (round >= 0) times[i]!.push(performance.now() - start);
      }
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return { before: spread(times[0]!), after: spread(times[1]!) };
}
