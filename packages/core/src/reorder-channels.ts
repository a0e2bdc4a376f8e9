import { maskOf } from './annotations.ts';
import { changeWeight, refuse } from './change-weight.ts';
import { edit } from './edit.ts';
import { CqError } from './errors.ts';
import { folded, ownInput, type Folded } from './fold-scale.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from './graph.ts';
import { constantOperand, weightOf } from './match.ts';
import { tabulated } from './roles.ts';
import { excerpt } from './runtime/op.ts';

/**
 * Puts the channels of a value between two linear layers, as inside an MLP, in another order: columns of the weights that make
 * it, rows of those that read it, masks with them. The model's outputs stay, up to the order of additions.
 *
 *     on the way:   linear layer (columns, bias) · activation · Mul by a factor per channel
 *
 * @param order Channel `order[c]` becomes channel c; a permutation.
 * @returns the reason where something else makes or reads the value, it is quantized already, or has another number of channels.
 * @throws CqError if the order is no permutation.
 */
export function reorderChannels(graph: Graph, value: string, order: readonly number[]): Folded {
  const places = [...order].sort((a, b) => a - b);
  if (places.some((channel, place) => channel !== place))
    throw new CqError(`reorder: "${value}": an order must have each channel once, from 0, got ${excerpt(order)}`);
  return folded(() => {
    if (isOutput(graph, value)) refuse(`"${value}" is an output of the model`);
    for (const { name } of consumersOf(graph, value)) graph = readIn(graph, graph.nodes.get(name)!, value, order);
    return makeIn(graph, value, order);
  });
}

/** The maker of a value gives its channels in the order. */
function makeIn(graph: Graph, value: string, order: readonly number[]): Graph {
  const node = graph.nodes.get(value) ?? refuse(`"${value}" is no node whose channels have an order`);
  const inner = (given: Graph): Graph => makeIn(given, ownInput(given, node, 0), order);
  if (tabulated.has(node.op)) return inner(graph);
  if (node.op === 'BiasAdd') return inner(withOrder(graph, node, 1, 0, order));
  if (node.op === 'Mul' && constantOperand(graph, node)?.value === node.inputs[0])
    return inner(withOrder(graph, node, 1, 0, order));
  if (node.op === 'MatMul' && weightOf(graph, node.inputs[1]))
    return withOrder(graph, node, 1, node.attrs['transpose_b'] === true ? 0 : 1, order);
  return refuse(`its producer "${value}" (${node.op}) cannot take an order`);
}

function readIn(graph: Graph, node: Node, value: string, order: readonly number[]): Graph {
  if (node.op === 'CqFakeQuantize') return refuse(`"${value}" is quantized already`);
  if (node.op !== 'MatMul' || node.inputs[0] !== value || !weightOf(graph, node.inputs[1]))
    return refuse(`its consumer "${node.name}" (${node.op}) cannot take an order`);
  return withOrder(graph, node, 1, node.attrs['transpose_b'] === true ? 1 : 0, order);
}

function withOrder(graph: Graph, node: Node, index: number, axis: 0 | 1, order: readonly number[]): Graph {
  const weight = weightOf(graph, node.inputs[index])!;
  const mask = maskOf(graph, weight.name);
  const changed = changeWeight(graph, node, index, (given) => inOrder(given, axis, order));
  if (!mask) return changed;
  const keep = graph.weights.get(mask.inputs[1]!)!;
  if (consumersOf(graph, keep.name).length > 1) return refuse(`the mask of "${weight.name}" has other readers`);
  return edit(changed, { weights: [{ ...keep, data: inOrder(keep, axis, order) }] });
}

/** Of a matrix along an axis, or of a vector. */
function inOrder({ shape, data }: Weight, axis: 0 | 1, order: readonly number[]): Float32Array {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = shape[axis]!;
  if (size !== order.length) return refuse(`an order of ${order.length} channels does not fit [${shape.join(', ')}]`);
  return Float32Array.from(data as Float32Array, (_, i) => {
    const [outer, channel, rest] = [Math.floor(i / (inner * size)), Math.floor(i / inner) % size, i % inner];
    return (data as Float32Array)[(outer * size + order[channel]!) * inner + rest]!;
  });
}
