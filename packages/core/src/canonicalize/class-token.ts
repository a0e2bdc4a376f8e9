import type { Graph, Node } from '../graph.ts';
import { constantOperand } from '../match.ts';
import { integersWeight, plainWeight } from './constant.ts';
import { freeName } from '../edit.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { sameButOnes } from './sizes.ts';

/**
 * Tokens that are the same for every input, in front of those that are not:
 *
 *     class [1, 1, c] ─► Tile(b, 1, 1) ─► ConcatV2 1 ─► AddV2 ◄── positions
 *     x [b, t, c] ───────────────────────────┘
 *
 * becomes     x ─► Pad(0 0, 1 0, 0 0) ─► AddV2 ◄── positions, the class added to the first
 */
export const classToken = everywhere((node, graph) => {
  const operand = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
  const concat = graph.nodes.get(operand?.value ?? '');
  const positions = plainWeight(graph, operand?.weight.name);
  if (!operand || !positions || concat?.op !== 'ConcatV2' || !node.inputs.includes(positions.name)) return undefined;
  const values = concat.inputs.slice(0, -1);
  const x = values.at(-1)!;
  const shapes = shapesOf(graph);
  const [, tokens, channels] = shapes.of(concat.name) ?? [];
  const axis = shapes.integers(concat.inputs.at(-1))?.[0];
  const constants = values.slice(0, -1).map((value) => repeated(graph, value));
  if ((axis !== 1 && axis !== -2) || shapes.of(x)?.length !== 3 || !tokens || !channels) return undefined;
  if (constants.length === 0 || !constants.every((constant) => constant !== undefined)) return undefined;
  if (positions.data.length !== tokens * channels || positions.shape.length > 3) return undefined;

  const data = Float32Array.from(positions.data);
  let count = 0;
  for (const { values: rows } of constants) {
    for (const value of rows) data[count] = data[count++]! + value;
  }
  const paddings = integersWeight(graph, `${node.name}/paddings`, [0, 0, count / channels, 0, 0, 0], [3, 2]);
  const sums = { ...positions, name: freeName(graph, `${node.name}/positions`), data };
  const padded = freeName(graph, `${node.name}/padded`);
  return {
    nodes: [
      { name: padded, op: 'Pad', inputs: [x, paddings.name], attrs: {} },
      { name: node.name, op: 'AddV2', inputs: [padded, sums.name], attrs: {} } satisfies Node,
    ],
    weights: [paddings, sums],
    inside: [concat.name, ...constants.flatMap(({ inside }) => inside)],
  };
});

/** A constant of [1, t, c] values, as it is or repeated along the batch, with sizes of 1 put in or out on the way. */
function repeated(graph: Graph, value: string): { values: Float32Array; inside: readonly string[] } | undefined {
  const shapes = shapesOf(graph);
  const size = shapes.of(value)?.slice(1);
  const inside: string[] = [];
  let at = value;
  for (let node = graph.nodes.get(at); node; node = graph.nodes.get(at)) {
    const [from, to] = [shapes.of(node.inputs[0]), shapes.of(at)];
    if (!from || !to) return undefined;
    const grown = from.length === to.length ? [...from.keys()].filter((axis) => from[axis] !== to[axis]) : [];
    const isFront = grown.every((axis) => from.slice(0, axis + 1).every((length) => length === 1));
    const repeats = (node.op === 'Tile' || node.op === 'BroadcastTo') && grown.length <= 1 && isFront;
    if (!repeats && !((node.op === 'Reshape' || node.op === 'ExpandDims') && sameButOnes(from, to))) return undefined;
    inside.push(at);
    at = node.inputs[0]!;
  }
  const weight = plainWeight(graph, at);
  const fits = size?.length === 2 && weight?.data.length === size[0]! * size[1]!;
  return fits ? { values: weight!.data as Float32Array, inside } : undefined;
}
