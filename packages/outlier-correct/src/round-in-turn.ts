import {
  addToBias,
  edit,
  gram,
  layersInTurn,
  liesByOutput,
  matrixOf,
  withFakeQuantize,
  withMatrix,
  type Gram,
  type Graph,
  type LayerVisit,
  type PassContext,
} from '@cq/core';
import { roundWeight, type RoundingOptions } from './round-weight.ts';

export interface TurnOptions extends RoundingOptions {
  /**
   * What an error at a token counts. `energy`: 1 / mean square of what the layer reads, so that tokens of a huge norm do not
   * own the loss. `none`: all the same.
   */
  readonly tokenWeights: 'energy' | 'none';
}

/** Rounds the weights of layers in network order, each on what the layers rounded before feed it. */
export const roundInTurn = (
  graph: Graph,
  wants: LayerVisit<Gram>['wants'],
  { tokenWeights, ...options }: TurnOptions,
  context: PassContext,
): Promise<Graph> =>
  layersInTurn(
    graph,
    {
      wants,
      statistic: gram({ ones: true, weighted: tokenWeights === 'energy' }),
      async change(current, name, seen) {
        const product = current.nodes.get(name)!;
        const matrix = matrixOf(current, product);
        const { data, quantizer, biasChange, sqnr } = await roundWeight(matrix, seen, options);
        const moved = edit(current, { weights: [withMatrix(current, product, data)] });
        const own = liesByOutput(product) ? ({ ...quantizer, axis: 0 } as const) : quantizer;
        const rounded = withFakeQuantize(moved, matrix.name, own);
        context.changed(matrix.name, { bits: options.bits, method: options.method, sqnr });
        return addToBias(rounded, rounded.nodes.get(name)!, biasChange);
      },
    },
    context,
  );
