import {
  addToBias,
  edit,
  gram,
  inputsInTurn,
  liesByOutput,
  matrixOf,
  observe,
  partOf,
  withFakeQuantize,
  withMatrix,
  type Gram,
  type Graph,
  type PassContext,
  type Passed,
} from '@cq/core';
import { roundWeight, type RoundingOptions } from './round-weight.ts';
import type { Stage } from './stages.ts';

export interface TurnOptions extends RoundingOptions {
  /**
   * What an error at a token counts. `energy`: 1 / mean square of what the layer reads, so that tokens of a huge norm do not
   * own the loss. `none`: all the same.
   */
  readonly tokenWeights: 'energy' | 'none';
}

/** Examples that run together. */
const BATCH = 8;

/** Rounds the weights of all stages in network order, each on what the layers rounded before feed it. */
export async function roundInTurn(
  graph: Graph,
  stages: readonly Stage[],
  { tokenWeights, ...options }: TurnOptions,
  { signal, data, progress, changed }: PassContext,
): Promise<Graph> {
  const capturing = { batchSize: BATCH, signal };
  const statistic = gram({ ones: true, weighted: tokenWeights === 'energy' });
  let passed: Passed | undefined;
  try {
    for (const [done, { block, input, products }] of stages.entries()) {
      if (block && block.output !== passed?.region.output) {
        const last: Passed | undefined = passed;
        passed = await inputsInTurn(graph, block, data.calibration!, last, capturing);
        await last?.inputs.dispose();
      }
      const part = block ? partOf(graph, passed!) : graph;
      const seen = await observe(part, [input], statistic, block ? passed!.inputs : data.calibration!, capturing);
      for (const product of products) {
        signal.throwIfAborted();
        graph = await withRounded(graph, product, seen.get(input)!, options, changed);
      }
      progress(done + 1, stages.length);
    }
  } finally {
    await passed?.inputs.dispose();
  }
  return graph;
}

async function withRounded(
  graph: Graph,
  name: string,
  seen: Gram,
  options: RoundingOptions,
  changed: PassContext['changed'],
): Promise<Graph> {
  const product = graph.nodes.get(name)!;
  const matrix = matrixOf(graph, product);
  const { data, quantizer, biasChange, sqnr } = await roundWeight(matrix, seen, options);
  graph = edit(graph, { weights: [withMatrix(graph, product, data)] });
  graph = withFakeQuantize(graph, matrix.name, liesByOutput(product) ? { ...quantizer, axis: 0 } : quantizer);
  changed(matrix.name, { bits: options.bits, method: options.method, sqnr });
  return addToBias(graph, graph.nodes.get(name)!, biasChange);
}
