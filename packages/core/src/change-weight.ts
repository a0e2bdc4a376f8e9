import { edit, freeName } from './edit.ts';
import { CqError } from './errors.ts';
import { fakeQuantizeOf, maskedData, quantizerOf } from './annotations.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from './graph.ts';
import { weightOf } from './match.ts';
import { onLevels } from './quantizer.ts';

/** Why a value cannot be folded; caught where the fold began. */
export class Refusal extends Error {}

/** @throws Refusal */
export function refuse(reason: string): never {
  throw new Refusal(reason);
}

/**
 * The graph with other data in the weight that `node` reads as input `index`; of the same shape, unless `shape` says
 * otherwise. If others read it too, `node` gets a copy.
 * @throws Refusal if the weight is quantized, or is masked and shared.
 */
export function changeWeight(
  graph: Graph,
  node: Node,
  index: number,
  change: (weight: Weight) => Float32Array,
  shape?: readonly number[],
): Graph {
  const reference = node.inputs[index]!;
  const weight = weightOf(graph, reference) ?? refuse(`"${reference}" is not a weight`);
  if (!(weight.data instanceof Float32Array)) return refuse(`"${weight.name}" is not float32`);
  if (fakeQuantizeOf(graph, weight.name)) return refuse(`"${weight.name}" is quantized already`);
  const changed: Weight = { ...weight, data: change(weight), ...(shape && { shape }) };
  if (isOwn(graph, weight.name, node)) return edit(graph, { weights: [changed] });
  if (reference !== weight.name) return refuse(`"${weight.name}" is masked and has other readers`);
  const name = freeName(graph, weight.name);
  const inputs = node.inputs.map((input, i) => (i === index ? name : input));
  return edit(graph, { nodes: [{ ...node, inputs }], weights: [{ ...changed, name }] });
}

/** Whether nothing but `node` reads the value, through annotations or not, and only once. */
export function isOwn(graph: Graph, name: string, node: Node): boolean {
  const readers = consumersOf(graph, name);
  if (readers.length !== 1 || isOutput(graph, name)) return false;
  const [reader] = readers as [Node];
  if (reader.name === node.name) return reader.inputs.filter((input) => input === name).length === 1;
  return reader.op === 'CqMask' && isOwn(graph, reader.name, node);
}

/** Multiplies along an axis: factor has one number for each index. */
export function scaled({ name, shape, data }: Weight, axis: number, factor: Float64Array): Float32Array {
  return Float32Array.from(
    data,
    perIndex(name, shape, axis, factor, (value, by) => value * by),
  );
}

/** Adds along the last axis. */
export function shifted({ name, shape, data }: Weight, change: Float64Array): Float32Array {
  return Float32Array.from(
    data,
    perIndex(name, shape, shape.length - 1, change, (value, by) => value + by),
  );
}

function perIndex(
  name: string,
  shape: readonly number[],
  axis: number,
  by: Float64Array,
  combine: (value: number, by: number) => number,
): (value: number, index: number) => number {
  if (shape[axis] !== by.length) {
    throw new CqError(`fold: "${name}" is [${shape.join(', ')}] and needs ${shape[axis]} numbers, got ${by.length}`);
  }
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return (value, index) => combine(value, by[Math.floor(index / inner) % by.length]!);
}

/** A weight as its consumers see it: masked and quantized. */
export function effectiveData(graph: Graph, weight: Weight): Float32Array {
  const data = maskedData(graph, weight);
  const quantizer = quantizerOf(graph, weight.name);
  return quantizer ? onLevels(data, weight.shape, quantizer) : data;
}
