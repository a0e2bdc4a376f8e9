import { edit, freeName, removeDead } from '../edit.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from '../graph.ts';
import { integersWeight, plainWeight } from './constant.ts';
import { shapesOf } from './shapes.ts';
import { sizeList } from './size-list.ts';
import { UNKNOWN, type Sizes } from './sizes.ts';

/**
 * Layers that were packed into one product and are taken apart again, such as queries, keys and values:
 *
 *     x ─► MatMul ─► BiasAdd ─► Reshape(b, t, 3, h, d) ─► Transpose 2 0 3 1 4 ─► Unpack ─► q, k, v
 *     w [c, 3 · h · d] ─┘
 *
 * becomes three times     x ─► MatMul ─► BiasAdd ─► Reshape(b, t, h, d) ─► Transpose 0 2 1 3
 *                         w [c, h · d] ─┘
 *
 * with the columns that each reads. `pieces` has made Slices of Unpack, Split and SplitV; neither Reshape nor Transpose
 * need be there.
 */
export function packed(graph: Graph): Graph {
  for (const node of graph.nodes.values()) {
    const layer = layerAt(graph, node);
    const parts = layer && partsOf(graph, layer);
    if (parts) graph = unpacked(graph, layer, parts);
  }
  return graph;
}

/** A product with a constant, its bias, and how its outputs are laid out before they are taken apart. */
interface Layer {
  readonly x: string;
  readonly weight: Weight;
  readonly bias: Weight | undefined;
  /** Sizes of the axes of x before the last one. */
  readonly rows: Sizes;
  /** Sizes of the axes that the outputs are split into. */
  readonly columns: Sizes;
  /** Order of all these axes. */
  readonly order: readonly number[];
  /** The value that is taken apart. */
  readonly value: string;
}

/** A section of the value along one axis. */
interface Part {
  /** What shows it: the Slice, or what drops the axis behind it. */
  readonly name: string;
  readonly axis: number;
  readonly begin: number;
  readonly count: number;
  readonly dropped: boolean;
}

function layerAt(graph: Graph, node: Node): Layer | undefined {
  const [reader] = readersOf(graph, node.name);
  if (node.op === 'MatMul' ? reader?.op === 'BiasAdd' : node.op !== 'BiasAdd') return undefined;
  const product = node.op === 'MatMul' ? node : graph.nodes.get(node.inputs[0]!);
  const weight = plainWeight(graph, product?.inputs[1]);
  const bias = node.op === 'BiasAdd' ? plainWeight(graph, node.inputs[1]) : undefined;
  const shapes = shapesOf(graph);
  const whole = shapes.of(node.name);
  if (product?.op !== 'MatMul' || Object.keys(product.attrs).length > 0 || weight?.shape.length !== 2) return undefined;
  if (!whole || (node.op === 'BiasAdd' && (!bias || readersOf(graph, product.name).length !== 1))) return undefined;

  const rows = shapes.asWritten(node.name)!.slice(0, -1);
  let [columns, order, value]: [Sizes, Sizes, string] = [whole.slice(-1), whole.map((_, axis) => axis), node.name];
  const split = onlyReader(graph, value, 'Reshape');
  const sizes = shapes.of(split?.name);
  if (split && sizes) {
    columns = sizes.slice(rows.length);
    if (!rows.every((size, axis) => size !== UNKNOWN && whole[axis] === sizes[axis])) return undefined;
    if (columns.reduce((count, size) => count * size, 1) !== whole.at(-1)) return undefined;
    [order, value] = [sizes.map((_, axis) => axis), split.name];
  }
  const turned = onlyReader(graph, value, 'Transpose');
  const turn = turned && shapes.integers(turned.inputs[1]);
  if (turn?.length === order.length) [order, value] = [turn, turned!.name];
  return { x: product.inputs[0]!, weight, bias, rows, columns, order, value };
}

/** The nodes that read a value which no output shows. */
const readersOf = (graph: Graph, value: string): readonly Node[] =>
  isOutput(graph, value) ? [] : consumersOf(graph, value);

function onlyReader(graph: Graph, value: string, op: string): Node | undefined {
  const [reader, ...others] = readersOf(graph, value);
  return reader?.op === op && others.length === 0 ? reader : undefined;
}

/** The sections of the columns that everything which reads the layer takes; undefined if something takes another. */
function partsOf(graph: Graph, { value, rows, columns, order }: Layer): readonly Part[] | undefined {
  const parts = readersOf(graph, value).map((reader) => partAt(graph, reader, value));
  const outputs = columns.reduce((count, size) => count * size, 1);
  let taken = 0;
  for (const part of parts) {
    if (!part || order[part.axis]! < rows.length) return undefined;
    taken += (outputs / columns[order[part.axis]! - rows.length]!) * part.count;
  }
  return parts.length > 0 && taken <= outputs ? (parts as readonly Part[]) : undefined;
}

function partAt(graph: Graph, { name, op, inputs }: Node, value: string): Part | undefined {
  const shapes = shapesOf(graph);
  const sizes = shapes.of(value)!;
  const [begins, lengths] = op === 'Slice' ? inputs.slice(1).map((input) => graph.weights.get(input)?.data) : [];
  if (!begins || !lengths || inputs[0] !== value) return undefined;
  const [axis, ...others] = [...sizes.keys()].filter((i) => begins[i] !== 0 || lengths[i] !== UNKNOWN);
  if (axis === undefined || others.length > 0) return undefined;
  const begin = begins[axis]!;
  const count = lengths[axis] === UNKNOWN ? sizes[axis]! - begin : lengths[axis]!;
  if (begin < 0 || count < 1) return undefined;
  const after = onlyReader(graph, name, 'Reshape') ?? onlyReader(graph, name, 'Squeeze');
  const rest = sizes.filter((_, i) => i !== axis);
  const dropped = count === 1 && after !== undefined && String(shapes.of(after.name)) === String(rest);
  return { name: dropped ? after.name : name, axis, begin, count, dropped };
}

function unpacked(graph: Graph, layer: Layer, parts: readonly Part[]): Graph {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  for (const part of parts) {
    const written = layerOf(graph, layer, part);
    nodes.push(...written.nodes);
    weights.push(...written.weights);
  }
  return removeDead(edit(graph, { nodes, weights }));
}

/** A layer of its own for one part: its columns, laid out as they were, the last node named like the part. */
function layerOf(graph: Graph, layer: Layer, { name, axis, begin, count, dropped }: Part) {
  const { x, rows, columns, order } = layer;
  const along = order[axis]! - rows.length;
  const chosen = columnsOf(columns, along, begin, count);
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  let value = x;
  const step = (op: string, operand: Weight): void => {
    const next = freeName(graph, `${name}/${op.toLowerCase()}`);
    nodes.push({ name: next, op, inputs: [value, operand.name], attrs: {} });
    weights.push(operand);
    value = next;
  };
  step('MatMul', taken(graph, `${name}/weight`, layer.weight, chosen));
  if (layer.bias) step('BiasAdd', taken(graph, `${name}/bias`, layer.bias, chosen));
  const kept = columns.flatMap((size, i) => (i !== along ? [size] : dropped ? [] : [count]));
  if (columns.length > 1) {
    const front = rows.map((size, i) => (i === 0 && size < 0 ? UNKNOWN : size));
    const target = sizeList(graph, `${name}/shape`, [...front, ...kept]);
    nodes.push(...target.nodes);
    weights.push(...target.weights);
    const next = freeName(graph, `${name}/split`);
    nodes.push({ name: next, op: 'Reshape', inputs: [value, target.value], attrs: {} });
    value = next;
  }
  const left = dropped ? order.filter((_, i) => i !== axis).map((at) => (at > order[axis]! ? at - 1 : at)) : order;
  if (left.some((at, i) => at !== i)) step('Transpose', integersWeight(graph, `${name}/order`, left));
  return { nodes: nodes.map((node) => (node.name === value ? { ...node, name } : node)), weights };
}

/** Columns whose index along one of the axes that they are split into lies in a section. */
function columnsOf(columns: Sizes, along: number, begin: number, count: number): readonly number[] {
  const behind = columns.slice(along + 1).reduce((product, size) => product * size, 1);
  const outputs = columns.reduce((product, size) => product * size, 1);
  return Array.from({ length: outputs }, (_, column) => column).filter((column) => {
    const index = Math.floor(column / behind) % columns[along]!;
    return index >= begin && index < begin + count;
  });
}

/** A weight with only these of its last axis. */
function taken(graph: Graph, name: string, weight: Weight, columns: readonly number[]): Weight {
  const width = weight.shape.at(-1)!;
  const data = new Float32Array((weight.data.length / width) * columns.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = weight.data[Math.floor(i / columns.length) * width + columns[i % columns.length]!]!;
  }
  return { ...weight, name: freeName(graph, name), shape: [...weight.shape.slice(0, -1), columns.length], data };
}
