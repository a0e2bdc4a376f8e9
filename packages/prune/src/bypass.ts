import {
  annotatedValue,
  edit,
  fakeQuantizeOf,
  freeName,
  maskedData,
  onlyFeeds,
  onLevels,
  quantizerOf,
  redirect,
  removeDead,
  type Graph,
  type Node,
  type Weight,
} from '@cq/core';
import type { Branch } from './branches.ts';

/**
 * What a branch comes to whose last weight is masked as a whole, the bias of that layer:
 *
 *     stream ─► … ─► MatMul, BiasAdd ─► AddV2        becomes        stream ─► BiasAdd
 *        └────────────────────────────────┘
 *
 * Where the constants that make the stream can take the bias, the stream alone is left.
 */
export function bypass(graph: Graph, branch: Branch): Graph {
  const { sum, reader } = branch;
  const stream = graph.nodes.get(sum)!.inputs.find((input) => annotatedValue(graph, input) !== reader.value)!;
  const data = outputOf(graph, branch);
  const name = freeName(graph, `${sum}/bias`);
  const node: Node = { name: sum, op: 'BiasAdd', inputs: [stream, name], attrs: {} };
  const cut = removeDead(
    edit(graph, { nodes: [node], weights: [{ name, dtype: 'float32', shape: [data.length], data }] }),
  );
  const nothing = data.every((value) => value === 0);
  const shift = nothing ? undefined : shiftOf(cut, stream, node, data.length);
  if (fakeQuantizeOf(cut, sum) || !(nothing || shift)) return cut;
  const shifted = shift && {
    ...shift,
    data: shift.data.map((value, i) => value + data[i % data.length]!) as Float32Array,
  };
  return edit(cut, { ...redirect(cut, sum, stream), remove: [sum, name], weights: shifted ? [shifted] : [] });
}

/** What the masked branch gives for every token. */
function outputOf(graph: Graph, { reader }: Branch): Float32Array {
  const outputs = reader.weight.shape[reader.outputAxis]!;
  const bias = reader.bias ? maskedData(graph, graph.weights.get(reader.bias.name)!) : new Float32Array(outputs);
  const quantizer = quantizerOf(graph, reader.value);
  return quantizer ? onLevels(bias, [1, outputs], quantizer) : bias;
}

/** A constant that is added to a value, for every token, with no other effect and no quantizer on the way. */
function shiftOf(graph: Graph, value: string, reader: Node, channels: number): Weight | undefined {
  if (!onlyFeeds(graph, value, reader)) return undefined;
  const weight = graph.weights.get(value);
  if (weight) return weight.dtype === 'float32' && weight.shape.at(-1) === channels ? weight : undefined;
  const node = graph.nodes.get(value);
  const summands = node ? (addends[node.op]?.(node.inputs) ?? []) : [];
  for (const summand of summands) {
    const found = shiftOf(graph, summand, node!, channels);
    if (found) return found;
  }
  return undefined;
}

/** Of which inputs a node's value is a sum. */
const addends: Readonly<Record<string, (inputs: readonly string[]) => readonly string[]>> = {
  AddV2: (inputs) => inputs,
  BiasAdd: (inputs) => inputs,
  LayerNorm: (inputs) => inputs.slice(2),
};
