import type { io } from '@tensorflow/tfjs-core';
import { freeName } from './edit.ts';
import {
  makeGraph,
  producerOf,
  type Attr,
  type DataType,
  type Graph,
  type Input,
  type Node,
  type Weight,
} from './graph.ts';

/** Version of what `userDefinedMetadata.cq` and the Cq ops mean. A model of a newer one is refused. */
export const FORMAT_VERSION = 1;

/**
 * Graph → the standard graph-model format of TensorFlow.js. Every output gets a node of its public name, so that
 * `model.execute(x, 'logits')` works whatever the passes did. The same graph gives the same bytes: a buffer for each weight.
 */
export function toArtifacts(given: Graph): io.ModelArtifacts {
  const graph = withPublicNames(given);
  const nodes: unknown[] = [
    ...graph.inputs.map(({ name, dtype, shape }) => ({
      name,
      op: 'Placeholder',
      attr: { dtype: { type: typeNames[dtype] }, shape: { shape: shapeJson(shape) } },
    })),
    ...[...graph.weights.values()].map(({ name, dtype, shape }) => ({
      name,
      op: 'Const',
      attr: {
        dtype: { type: typeNames[dtype] },
        value: { tensor: { dtype: typeNames[dtype], tensorShape: shapeJson(shape) } },
      },
    })),
    ...[...graph.nodes.values()].map(nodeJson),
  ];
  for (const { name, value } of graph.outputs) {
    if (name !== value) nodes.push(nodeJson({ name, op: 'Identity', inputs: [value], attrs: {} }));
  }
  const weights = [...graph.weights.values()];
  return {
    format: 'graph-model',
    generatedBy: '@cq/core',
    convertedBy: null as unknown as string,
    modelTopology: { node: nodes, library: {}, versions: { producer: 1 } },
    signature: {
      inputs: Object.fromEntries(graph.inputs.map((input) => [input.name, tensorInfo(input)])),
      outputs: Object.fromEntries(graph.outputs.map((output) => [output.name, tensorInfo(output)])),
    },
    weightSpecs: weights.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
    weightData: weights.map(bufferOf),
    userDefinedMetadata: { cq: { formatVersion: FORMAT_VERSION, ...graph.metadata } },
  };
}

/** The graph with public names for its outputs alone: another value that had one of them gets a name behind it. */
function withPublicNames(graph: Graph): Graph {
  const names = new Map<string, string>();
  for (const { name, value } of graph.outputs) {
    if (name !== value && (graph.nodes.has(name) || graph.weights.has(name))) names.set(name, freeName(graph, name));
  }
  if (names.size === 0) return graph;
  const named = <T extends { readonly name: string }>(part: T): T => ({
    ...part,
    name: names.get(part.name) ?? part.name,
  });
  const read = (reference: string): string => {
    const producer = producerOf(reference);
    return reference.replace(producer, () => names.get(producer) ?? producer);
  };
  return makeGraph({
    ...graph,
    nodes: [...graph.nodes.values()].map((node) => ({ ...named(node), inputs: node.inputs.map(read) })),
    weights: [...graph.weights.values()].map(named),
    outputs: graph.outputs.map((output) => ({ ...output, value: read(output.value) })),
  });
}

function nodeJson({ name, op, inputs, attrs }: Node): unknown {
  return {
    name,
    op,
    input: inputs,
    ...(Object.keys(attrs).length > 0 && {
      attr: Object.fromEntries(Object.entries(attrs).map(([key, attr]) => [key, attrJson(attr)])),
    }),
  };
}

function attrJson(attr: Attr): unknown {
  if (typeof attr === 'boolean') return { b: attr };
  if (typeof attr === 'number') return Number.isInteger(attr) ? { i: attr } : { f: attr };
  if (typeof attr === 'string') return { s: toBase64(attr) };
  if (Array.isArray(attr)) return { list: attr.every(Number.isInteger) ? { i: attr } : { f: attr } };
  if ('type' in attr) return attr;
  if ('shape' in attr) return { shape: shapeJson(attr.shape) };
  return (attr as { raw: unknown }).raw;
}

const shapeJson = (shape: readonly number[]): unknown => ({ dim: shape.map((size) => ({ size })) });

const tensorInfo = ({ name, dtype, shape }: Input): unknown => ({
  name: `${name}:0`,
  dtype: typeNames[dtype],
  tensorShape: shapeJson(shape),
});

const typeNames: Readonly<Record<DataType, string>> = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' };

/** The bytes of a weight, not copied where it has a buffer of its own: beside a large model there is no room for another. */
const bufferOf = ({ data }: Weight): ArrayBuffer =>
  data.byteLength === data.buffer.byteLength ? (data.buffer as ArrayBuffer) : (data.slice().buffer as ArrayBuffer);

function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
