import { definePass, maskOf, select, weightOf, withMask, type Scope } from '@cq/core';

export interface DropSmallOptions extends Scope {
  /** Weights nearer to zero than this become zero. */
  readonly below: number;
}

/** Masks the small entries of every constant matrix that a product multiplies by. */
export const dropSmall = definePass<DropSmallOptions>({
  name: 'drop-small',
  defaults: { below: 0.01 },
  check: ({ below }) => below > 0 || `below must be above 0, got ${below}`,
  run(graph, { below, ...scope }, context) {
    const products = [...graph.nodes.values()].filter(({ op }) => op === 'MatMul');
    const matrices = new Set(products.flatMap(({ inputs }) => weightOf(graph, inputs[1])?.name ?? []));
    for (const name of select('drop-small', [...matrices], scope)) {
      const mask = Float32Array.from(graph.weights.get(name)!.data, (weight) => Number(Math.abs(weight) >= below));
      const dropped = mask.filter((keep) => keep === 0).length;
      if (maskOf(graph, name)) context.skipped(name, 'masked already');
      else context.changed(name, { sparsity: dropped / mask.length });
      graph = maskOf(graph, name) ? graph : withMask(graph, name, mask);
    }
    return graph;
  },
});
