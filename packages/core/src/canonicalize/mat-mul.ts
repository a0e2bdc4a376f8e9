import { consumersOf, type Graph, type Node, type Weight } from '../graph.ts';
import { weightOf } from '../match.ts';
import { plainWeight, transposed } from './constant.ts';
import { everywhere } from './rule.ts';

/**
 * x ─► BatchMatMulV2 ◄── w                      becomes     x ─► MatMul ◄── w
 * x ─► MatMul {transpose_b} ◄── wᵀ
 *
 * A wᵀ that something else reads too, such as an embedding table, or that is annotated, stays as it lies.
 */
export const matMul = everywhere((node, graph) => {
  if (node.op !== 'MatMul' && node.op !== 'BatchMatMulV2') return undefined;
  const operand = rightOperand(graph, node);
  if (!operand || (node.op === 'MatMul' && isWritten(node, operand))) return undefined;
  const { value, weights, attrs } = operand;
  return { nodes: [{ name: node.name, op: 'MatMul', inputs: [node.inputs[0]!, value], attrs }], weights, inside: [] };
});

const isWritten = ({ inputs, attrs }: Node, { value, attrs: wanted }: RightOperand): boolean =>
  inputs[1] === value && Object.keys(attrs).length === Object.keys(wanted).length;

/** The constant right operand of a MatMul. */
export interface RightOperand {
  readonly value: string;
  /** The weight to add if it was turned round. */
  readonly weights: readonly Weight[];
  /** `transpose_b` if it lies as [outputs, inputs]. */
  readonly attrs: Node['attrs'];
}

/** The constant right operand of a product, as [inputs, outputs] if it can be turned. */
export function rightOperand(graph: Graph, { inputs, attrs }: Node): RightOperand | undefined {
  const [, value] = inputs;
  if (value === undefined || attrs['transpose_a'] || attrs['adj_x']) return undefined;
  if (weightOf(graph, value)?.shape.length !== 2) return undefined;
  if (!attrs['transpose_b'] && !attrs['adj_y']) return { value, weights: [], attrs: {} };
  return turned(graph, value);
}

/** The operand of which [outputs, inputs] is given. */
export function turned(graph: Graph, value: string): RightOperand {
  const weight = plainWeight(graph, value);
  if (!weight || consumersOf(graph, value).length > 1) return { value, weights: [], attrs: { transpose_b: true } };
  const round = transposed(graph, weight, [1, 0]);
  return { value: round.name, weights: [round], attrs: {} };
}
