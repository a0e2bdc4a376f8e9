import { changeWeight, effectiveData, refuse, shifted } from './change-weight.ts';
import { edit, freeName } from './edit.ts';
import { CqError } from './errors.ts';
import { folded, keepsChannels, ownInput, type Folded } from './fold-scale.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from './graph.ts';
import { constantOperand, onlyFeeds, weightOf } from './match.ts';

/**
 * Takes one shift per channel (the last axis) from a value and makes up for it: value − z. The model's outputs stay, up
 * to rounding. A linear layer without a bias gets one.
 *
 *     takes −z:     LayerNorm (beta) · linear layer (bias) · a constant that is added
 *     takes z:      linear layer (bias += zᵀW, W as masked and quantized) · a constant that is added · keys, whose shift
 *                   moves all logits of a query alike and leaves their softmax
 *     lets pass:    attention, from its values, since probabilities sum to 1 · Slice, Reshape that leave the last axis alone
 *
 * Source: Outlier Suppression+ (Wei et al. 2023), eq. 3–5; RepQ-ViT (Li et al. 2023), eq. 9–12, with z = −s ⊙ r2.
 * @param shifts Finite, one per channel.
 * @returns the reason where the algebra does not allow it, or a value on the way is quantized or an output already.
 * @throws CqError if the shifts are not finite, or as many as there are channels.
 */
export function foldShift(graph: Graph, value: string, shifts: ArrayLike<number>): Folded {
  const change = Float64Array.from(shifts, (shift) => {
    if (!Number.isFinite(shift)) throw new CqError(`fold: "${value}": a shift must be finite, got ${shift}`);
    return -shift;
  });
  return folded(() => repayShift(absorbShift(graph, value, change), value, change));
}

/** Makes the producer of a value give value + change. */
function absorbShift(graph: Graph, value: string, change: Float64Array): Graph {
  const node = graph.nodes.get(value) ?? refuse(`"${value}" is no node that could take a shift`);
  if (node.op === 'LayerNorm') return changeWeight(graph, node, 2, (weight) => shifted(weight, change));
  if (node.op === 'BiasAdd') return changeWeight(graph, node, 1, (weight) => shifted(weight, change));
  if (node.op === 'MatMul' && weightOf(graph, node.inputs[1])) return insertBias(graph, node, change);
  if (node.op === 'AttentionContext' && sumsToOne(graph, node)) {
    return absorbShift(graph, ownInput(graph, node, 1), change);
  }
  if (keepsChannels(graph, node, change.length)) return absorbShift(graph, ownInput(graph, node, 0), change);
  const constant = addedConstant(graph, node, change.length);
  if (constant !== undefined) return changeWeight(graph, node, constant, (weight) => shifted(weight, change));
  return refuse(`its producer "${value}" (${node.op}) cannot take a shift`);
}

/** Makes the consumers of a value, which is value + change now, compute what they did before. */
function repayShift(graph: Graph, value: string, change: Float64Array): Graph {
  if (isOutput(graph, value)) return refuse(`"${value}" is an output of the model`);
  for (const { name } of consumersOf(graph, value)) graph = repay(graph, graph.nodes.get(name)!);
  return graph;

  function repay(given: Graph, node: Node): Graph {
    const [first, second] = node.inputs;
    if (node.op === 'CqFakeQuantize') return refuse(`"${value}" is quantized already`);
    const weight = node.op === 'MatMul' && first === value ? weightOf(given, second) : undefined;
    if (weight) return addToBias(given, node, biasChange(given, node, weight, change));
    if (node.op === 'AttentionLogits' && first !== value && onlySoftmax(given, node.name)) return given;
    if (
      (node.op === 'AttentionContext' && first !== value && sumsToOne(given, node)) ||
      (first === value && keepsChannels(given, node, change.length))
    ) {
      return repayShift(given, node.name, change);
    }
    const constant = addedConstant(given, node, change.length);
    if (constant !== undefined) {
      const back = change.map((by) => -by);
      return changeWeight(given, node, constant, (added) => shifted(added, back));
    }
    return refuse(`its consumer "${node.name}" (${node.op}) cannot make up for a shift`);
  }
}

/** −changeᵀ W, one number per output. */
function biasChange(graph: Graph, node: Node, weight: Weight, change: Float64Array): Float64Array {
  const data = effectiveData(graph, weight);
  const transposed = node.attrs['transpose_b'] === true;
  const [inputs, outputs] = (transposed ? [...weight.shape].reverse() : weight.shape) as [number, number];
  if (inputs !== change.length) {
    throw new CqError(`fold: "${weight.name}" has ${inputs} inputs and needs as many numbers, got ${change.length}`);
  }
  return Float64Array.from({ length: outputs }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum -= change[k]! * data[transposed ? n * inputs + k : k * outputs + n]!;
    return sum;
  });
}

/** Adds to what a matrix product with a constant gives, one number per output: to its bias, which it gets if it has none. */
export function addToBias(graph: Graph, product: Node, change: Float64Array): Graph {
  const [reader] = consumersOf(graph, product.name);
  if (reader?.op !== 'BiasAdd' || !onlyFeeds(graph, product.name, reader)) return insertBias(graph, product, change);
  return changeWeight(graph, reader, 1, (weight) => shifted(weight, change));
}

/** product ──►     becomes     product ──► BiasAdd ──►, under the product's name. */
function insertBias(graph: Graph, product: Node, bias: Float64Array): Graph {
  const { name } = product;
  const inner = freeName(graph, `${name}/product`);
  const constant = freeName(graph, `${name}/bias`);
  return edit(graph, {
    nodes: [
      { ...product, name: inner },
      { name, op: 'BiasAdd', inputs: [inner, constant], attrs: {} },
    ],
    weights: [{ name: constant, dtype: 'float32', shape: [bias.length], data: Float32Array.from(bias) }],
  });
}

/** Index of the operand of an AddV2 that is a constant with these channels. */
function addedConstant(graph: Graph, node: Node, channels: number): number | undefined {
  const constant = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
  if (constant?.weight.shape.at(-1) !== channels) return undefined;
  return constant.value === node.inputs[0] ? 1 : 0;
}

/** Whether an attention's probabilities come as they leave the softmax: codes do not sum to 1 exactly. */
const sumsToOne = (graph: Graph, { inputs }: Node): boolean => graph.nodes.get(inputs[0]!)?.op === 'Softmax';

/** Whether logits go nowhere but into a softmax, with a mask added to them or not. */
function onlySoftmax(graph: Graph, logits: string): boolean {
  const readers = consumersOf(graph, logits);
  return (
    readers.length > 0 &&
    !isOutput(graph, logits) &&
    readers.every(
      ({ op, name, inputs }) =>
        op === 'Softmax' || (op === 'AddV2' && inputs[0] !== inputs[1] && onlySoftmax(graph, name)),
    )
  );
}
