import { edit, freeName, removeDead } from '../edit.ts';
import { consumersOf, type Graph, type Node, type Weight } from '../graph.ts';
import { integersWeight } from './constant.ts';
import { shapesOf } from './shapes.ts';
import { UNKNOWN } from './sizes.ts';

/**
 * Every node gives one value:
 *
 *     x ─► Split, SplitV ─► y, y:1, y:2     becomes     x ─► Slice ─► y,   x ─► Slice,   x ─► Slice
 *     x ─► Unpack ─► y, y:1                 becomes     x ─► Slice ─► Squeeze ─► y,   x ─► Slice ─► Squeeze
 *
 * Of a list, such as a shape, Unpack takes the numbers by StridedSlice.
 */
export function pieces(graph: Graph): Graph {
  for (const node of graph.nodes.values()) {
    const found = piecesOf(graph, node);
    if (found) graph = takenApart(graph, node, found);
  }
  return graph;
}

interface Pieces {
  readonly x: string;
  readonly axis: number;
  readonly counts: readonly number[];
}

function piecesOf(graph: Graph, { op, inputs, attrs }: Node): Pieces | undefined {
  const shapes = shapesOf(graph);
  const one = (list: string | undefined): number => shapes.integers(list)?.[0] ?? NaN;
  const equal = (x: string, axis: number, count: number): Pieces | undefined => {
    const sizes = shapes.of(x);
    const at = axis < 0 ? axis + (sizes?.length ?? 0) : axis;
    const each = (sizes?.[at] ?? NaN) / count;
    return each > 0 && Number.isInteger(each) ? { x, axis: at, counts: Array<number>(count).fill(each) } : undefined;
  };
  if (op === 'Split') return equal(inputs[1]!, one(inputs[0]), Number(attrs['num_split']));
  if (op === 'Unpack') return equal(inputs[0]!, Number(attrs['axis'] ?? 0), Number(attrs['num']));
  if (op !== 'SplitV') return undefined;
  const [counts, whole] = [shapes.integers(inputs[1]), equal(inputs[0]!, one(inputs[2]), 1)];
  const isSound =
    counts?.every((count) => count > 0) && counts.reduce((sum, count) => sum + count, 0) === whole?.counts[0];
  return isSound ? { ...whole!, counts: counts! } : undefined;
}

function takenApart(graph: Graph, node: Node, { x, axis, counts }: Pieces): Graph {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const rank = shapesOf(graph).of(x)!.length;
  let begin = 0;
  const names = counts.map((count, i) => {
    const name = i === 0 ? node.name : freeName(graph, `${node.name}/${i}`);
    const list = (part: string, along: number, others: number): string => {
      const values = Array.from({ length: rank }, (_, k) => (k === axis ? along : others));
      const weight = integersWeight(graph, `${node.name}/${i}/${part}`, values);
      weights.push(weight);
      return weight.name;
    };
    const from = list('begin', begin, 0);
    if (node.op === 'Unpack' && rank === 1) {
      const bounds = [from, list('end', begin + 1, 0), list('strides', 1, 1)];
      nodes.push({ name, op: 'StridedSlice', inputs: [x, ...bounds], attrs: { shrink_axis_mask: 1 } });
    } else {
      const slice = node.op === 'Unpack' ? freeName(graph, `${node.name}/${i}/slice`) : name;
      nodes.push({ name: slice, op: 'Slice', inputs: [x, from, list('size', count, UNKNOWN)], attrs: {} });
      if (node.op === 'Unpack') nodes.push({ name, op: 'Squeeze', inputs: [slice], attrs: { squeeze_dims: [axis] } });
    }
    begin += count;
    return name;
  });
  const follow = (reference: string): string => {
    const i = names.findIndex((_, k) => reference === `${node.name}:${k}`);
    return i < 0 ? reference : names[i]!;
  };
  const readers = consumersOf(graph, node.name).map((reader) => ({ ...reader, inputs: reader.inputs.map(follow) }));
  const outputs = graph.outputs.map((output) => ({ ...output, value: follow(output.value) }));
  return removeDead(edit(graph, { nodes: [...readers, ...nodes], weights, outputs }));
}
