import { blocks, weightOf, type Block, type Graph } from '@cq/core';

/** Linear layers that read one value. */
export interface Stage {
  /** What they read, quantizers included. */
  readonly input: string;
  /** Names of the matrix products. */
  readonly products: readonly string[];
  /** The block that they lie in. */
  readonly block: Block | undefined;
}

/** All linear layers of a graph whose weights are matrices, in network order. */
export function stagesOf(graph: Graph): readonly Stage[] {
  const parts = blocks(graph);
  const found = new Map<string, Stage>();
  for (const { name, op, inputs } of graph.nodes.values()) {
    const weight = op === 'MatMul' ? weightOf(graph, inputs[1]) : undefined;
    if (weight?.shape.length !== 2 || weight.dtype !== 'float32') continue;
    const [input] = inputs as [string, string];
    const known = found.get(input);
    const block = known ? known.block : parts.find(({ nodes }) => nodes.includes(name));
    found.set(input, { input, products: [...(known?.products ?? []), name], block });
  }
  return [...found.values()];
}
