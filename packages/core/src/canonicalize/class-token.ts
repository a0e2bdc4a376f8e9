import type { Graph, Node } from '../graph.ts';
import { constantOperand } from '../match.ts';
import { integersWeight, plainWeight } from './constant.ts';
import { freeName } from '../edit.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';

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

/** A constant [1, t, c], as it is or repeated along the batch. */
function repeated(graph: Graph, value: string): { values: Float32Array; inside: readonly string[] } | undefined {
  const node = graph.nodes.get(value);
  const repeats = node?.op === 'Tile' || node?.op === 'BroadcastTo';
  const weight = plainWeight(graph, repeats ? node.inputs[0] : value);
  if (weight?.shape.length !== 3 || weight.shape[0] !== 1) return undefined;
  if (repeats) {
    const sizes = shapesOf(graph).integers(node.inputs[1]);
    const kept = node.op === 'Tile' ? [1, 1] : weight.shape.slice(1);
    if (sizes?.length !== 3 || String(sizes.slice(1)) !== String(kept)) return undefined;
  }
  return { values: weight.data as Float32Array, inside: repeats ? [value] : [] };
}
