import { annotatedValue } from './annotations.ts';
import { blocks, type Block } from './blocks.ts';
import type { Graph, Node } from './graph.ts';
import { inputsInTurn, partOf, type Passed } from './inputs-in-turn.ts';
import { weightOf } from './match.ts';
import { observe } from './observe.ts';
import type { PassContext } from './pass.ts';
import type { Statistic } from './statistics.ts';

/** Linear layers that read one value. */
interface Stage {
  /** What they read, quantizers included. */
  readonly input: string;
  /** The matrix products. */
  readonly products: readonly string[];
  /** The block that they lie in. */
  readonly block: Block | undefined;
}

/** What is looked at, and what is done about it. */
export interface LayerVisit<Result> {
  /** Whether a layer is visited, by its matrix product. */
  readonly wants: (product: Node) => boolean;
  /** Of what a layer reads. */
  readonly statistic: Statistic<unknown, Result>;
  /** The graph with the layer changed. */
  readonly change: (graph: Graph, product: string, seen: Result) => Graph | Promise<Graph>;
}

/** Examples that run together. */
const BATCH = 8;

/**
 * Changes the linear layers of a graph in network order, each by a statistic of what the layers changed before feed it. Layers that
 * read one value see the same; one whose weight something else reads too is not visited. Inside blocks the data run through
 * one block at a time.
 */
export async function layersInTurn<Result>(
  graph: Graph,
  { wants, statistic, change }: LayerVisit<Result>,
  { signal, data: { calibration }, progress }: Pick<PassContext, 'signal' | 'data' | 'progress'>,
): Promise<Graph> {
  const stages = stagesOf(graph, wants);
  const capturing = { batchSize: BATCH, signal };
  let passed: Passed | undefined;
  try {
    for (const [done, { block, input, products }] of stages.entries()) {
      if (block && block.output !== passed?.region.output) {
        const last: Passed | undefined = passed;
        passed = await inputsInTurn(graph, block, calibration!, last, capturing);
        await last?.inputs.dispose();
      }
      const part = block ? partOf(graph, passed!) : graph;
      const seen = await observe(part, [input], statistic, block ? passed!.inputs : calibration!, capturing);
      for (const product of products) {
        signal.throwIfAborted();
        graph = await change(graph, product, seen.get(input)!);
      }
      progress(done + 1, stages.length);
    }
  } finally {
    await passed?.inputs.dispose();
  }
  return graph;
}

/** The linear layers that are visited, in network order. */
function stagesOf(graph: Graph, wants: LayerVisit<unknown>['wants']): readonly Stage[] {
  const parts = blocks(graph);
  const readers = readersOf(graph);
  const found = new Map<string, Stage>();
  for (const node of graph.nodes.values()) {
    const weight = linearWeight(graph, node);
    if (!weight || readers.get(weight) !== 1 || !wants(node)) continue;
    const input = node.inputs[0]!;
    const known = found.get(input);
    const block = known ? known.block : parts.find(({ nodes }) => nodes.includes(node.name));
    found.set(input, { input, products: [...(known?.products ?? []), node.name], block });
  }
  return [...found.values()];
}

/** The float matrix that a product multiplies by. */
function linearWeight(graph: Graph, { op, inputs }: Node): string | undefined {
  const weight = op === 'MatMul' ? weightOf(graph, inputs[1]) : undefined;
  return weight?.shape.length === 2 && weight.dtype === 'float32' ? weight.name : undefined;
}

/** How often each weight is read, not counting what stands on it. */
function readersOf(graph: Graph): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { name, inputs } of graph.nodes.values()) {
    if (graph.weights.has(annotatedValue(graph, name))) continue;
    for (const input of inputs) {
      const weight = weightOf(graph, input);
      if (weight) found.set(weight.name, (found.get(weight.name) ?? 0) + 1);
    }
  }
  return found;
}
