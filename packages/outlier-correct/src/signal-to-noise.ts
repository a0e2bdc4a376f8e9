import { executor, tipOf, type Dataset, type Graph } from '@cq/core';
import { thinned } from './with-held-back.ts';

/** Examples that it is measured on. */
const EXAMPLES = 4;

/**
 * How far values of an annotated graph are from those of the float one, all errors before them included, in dB: 10 log₁₀ of
 * the energy of the float value over that of the difference. Batches of one example, so that memory holds no more.
 */
export async function signalToNoise(
  float: Graph,
  graph: Graph,
  values: readonly string[],
  data: Dataset,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const energies = new Map(values.map((value) => [value, { signal: 0, noise: 0 }]));
  const models = [executor(float), executor(graph)] as const;
  const tips = values.map((value) => tipOf(graph, value));
  try {
    for await (const { inputs } of thinned(data, EXAMPLES).batches(1)) {
      signal.throwIfAborted();
      const tensors = [...models[0].run(inputs, values), ...models[1].run(inputs, tips)];
      const arrays = tensors.map((tensor) => tensor.dataSync<'float32'>());
      for (const tensor of tensors) tensor.dispose();
      for (const [i, value] of values.entries()) {
        const sums = energies.get(value)!;
        const [expected, given] = [arrays[i]!, arrays[values.length + i]!];
        for (let j = 0; j < expected.length; j++) {
          sums.signal += expected[j]! ** 2;
          sums.noise += (expected[j]! - given[j]!) ** 2;
        }
      }
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return new Map([...energies].map(([value, sums]) => [value, 10 * Math.log10(sums.signal / sums.noise)]));
}
