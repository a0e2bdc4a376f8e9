import { CqError, executor, numberAttr, type Dataset, type Graph } from '@cq/core';

/** Some queries of an attention: what they attend to, and how much. */
export interface AttentionSample {
  readonly head: number;
  /** [queries, keys], as the softmax gives them. */
  readonly probabilities: Float32Array;
  /** [keys, depth] */
  readonly values: Float32Array;
  readonly depth: number;
}

/** An attention: the value with its probabilities, and the AttentionContext that reads them. */
export interface Attention {
  readonly probabilities: string;
  readonly context: string;
}

/** Queries of each head and example, evenly spaced, the first one among them: it is often a class token. */
const QUERIES = 8;

/** Samples of every attention, in one sweep of the data. */
export async function attentionSamples(
  graph: Graph,
  attentions: readonly Attention[],
  data: Dataset,
  indices: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly AttentionSample[]>> {
  const found = new Map(attentions.map(({ probabilities }): [string, AttentionSample[]] => [probabilities, []]));
  const names = attentions.flatMap(({ probabilities, context }) => [
    probabilities,
    graph.nodes.get(context)!.inputs[1]!,
  ]);
  const model = executor(graph);
  try {
    for await (const { inputs } of data.batches(1, indices)) {
      signal.throwIfAborted();
      const tensors = model.run(inputs, names);
      const read = tensors.map((tensor) => tensor.dataSync<'float32'>());
      const shapes = tensors.map(({ shape }) => shape);
      for (const tensor of tensors) tensor.dispose();
      for (const [i, { probabilities, context }] of attentions.entries()) {
        const node = graph.nodes.get(context)!;
        const [heads, depth] = [numberAttr(node, 'heads'), numberAttr(node, 'depth')];
        const [chances, values] = [read[2 * i]!, read[2 * i + 1]!];
        if (!Number.isFinite(values.reduce((sum, value) => sum + value, 0))) {
          throw new CqError(
            `quantize-log2: "${probabilities}" is multiplied by NaN or infinite values on this data; check the data and the model`,
          );
        }
        found.get(probabilities)!.push(...perHead(chances, values, heads, depth, shapes[2 * i]!));
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    model.dispose();
  }
  return found;
}

/** @param shape Of the probabilities: [windows, heads, queries, keys]; one window is taken of many. */
function perHead(
  chances: Float32Array,
  values: Float32Array,
  heads: number,
  depth: number,
  shape: readonly number[],
): AttentionSample[] {
  const [queries, keys] = [shape.at(-2)!, shape.at(-1)!];
  const count = Math.min(queries, QUERIES);
  return Array.from({ length: heads }, (_, head) => {
    const probabilities = new Float32Array(count * keys);
    for (let i = 0; i < count; i++) {
      const at = (head * queries + Math.floor((i * queries) / count)) * keys;
      probabilities.set(chances.subarray(at, at + keys), i * keys);
    }
    const own = new Float32Array(keys * depth);
    for (let key = 0; key < keys; key++) {
      const at = (key * heads + head) * depth;
      own.set(values.subarray(at, at + depth), key * depth);
    }
    return { head, probabilities, values: own, depth };
  });
}
