import { annotatedValue, quantizerOf } from './annotations.ts';
import { consumersOf, type Graph, type Node } from './graph.ts';
import { maskedLogits } from './logit-masks.ts';
import { constantOperand, tokenMean, weightOf } from './match.ts';
import { originOf, sourceOf } from './movements.ts';

/**
 * What integer kernels ask of an activation, from the ops that read it:
 * - `operand`: multiplied by a weight; its zero point folds into the bias;
 * - `factor`: multiplied by another activation (queries, keys, values), or padded with zeros on its way to a weight: its zero
 *   point must be 0;
 * - `probability`: a softmax output, from 0;
 * - `logit`: a softmax input, position biases included, masks not;
 * - `index`: looked up in an activation table;
 * - `stream`: normalised, or added to a branch or a constant. The residual stream carries the outliers and stays wide.
 */
export type Role = 'operand' | 'factor' | 'probability' | 'logit' | 'index' | 'stream';

/** Activation functions that lower to a table. */
export const tabulated: ReadonlySet<string> = new Set(['Gelu', 'Relu', 'Relu6', 'Tanh', 'Sigmoid', 'Elu']);

/**
 * The role of every activation that an integer kernel would read, given which weights are or will be quantized. Values
 * that a ConcatV2 joins share a quantizer, which stands behind it.
 * Where a value has several roles, the one listed first in `precedence` stands.
 */
export function roles(graph: Graph, quantized: (weight: string) => boolean): ReadonlyMap<string, Role> {
  const found = new Map<string, Role>();
  const note = (value: string | undefined, asked: Role): void => {
    if (value === undefined) return;
    const { source, padded } = originOf(graph, value);
    if (graph.weights.has(source)) return;
    const role = asked === 'operand' && padded ? 'factor' : asked;
    const known = found.get(source);
    if (!known || precedence.indexOf(role) < precedence.indexOf(known)) found.set(source, role);
  };
  for (const node of graph.nodes.values()) {
    const [first, second] = node.inputs;
    if (node.op === 'MatMul' && isLinear(graph, node, quantized)) note(first, 'operand');
    else if (node.op === 'AttentionLogits') [first, second].forEach((value) => note(value, 'factor'));
    else if (node.op === 'AttentionContext') {
      note(first, 'probability');
      note(second, 'factor');
    } else if (node.op === 'Softmax' && feedsContext(graph, node)) note(maskedLogits(graph, node).logits, 'logit');
    else if (node.op === 'LayerNorm') note(first, 'stream');
    else if (tabulated.has(node.op) && branch(graph, first, quantized)) note(first, 'index');
    else if (node.op === 'AddV2' && !weightOf(graph, first) && !weightOf(graph, second)) {
      if (branch(graph, first, quantized)) note(second, 'stream');
      else if (branch(graph, second, quantized)) note(first, 'stream');
    }
  }
  // What is added to a constant, or averaged, gets codes if what comes of it does: readers first.
  for (const node of [...graph.nodes.values()].reverse()) {
    if (!found.has(node.name)) continue;
    const sum = node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
    if (sum && isInteger(graph, sum.value, quantized) && !embedsPatches(graph, sum.value)) note(sum.value, 'stream');
    const tokens = tokenMean(graph, node);
    const wide = tokens && found.get(sourceOf(graph, tokens)) === 'stream';
    if (tokens && !wide && isInteger(graph, tokens, quantized)) note(tokens, 'operand');
  }
  // A sum or an activation that nothing quantized reads gains nothing from codes of its own.
  return found;
}

const precedence: readonly Role[] = ['probability', 'factor', 'logit', 'operand', 'index', 'stream'];

/** A matrix product with a constant right operand that is, or will be, quantized. */
function isLinear(graph: Graph, { inputs }: Node, quantized: (weight: string) => boolean): boolean {
  const weight = weightOf(graph, inputs[1]);
  return weight !== undefined && (quantized(weight.name) || quantizerOf(graph, weight.name) !== undefined);
}

/** Whether the value is the output of a quantized linear layer: its accumulator, which needs no codes. */
function branch(graph: Graph, value: string | undefined, quantized: (weight: string) => boolean): boolean {
  let node = value === undefined ? undefined : graph.nodes.get(annotatedValue(graph, value));
  if (node?.op === 'BiasAdd') node = graph.nodes.get(annotatedValue(graph, node.inputs[0]!));
  return node?.op === 'MatMul' && isLinear(graph, node, quantized);
}

/** Whether an integer kernel could give the codes of a value. */
function isInteger(graph: Graph, value: string, quantized: (weight: string) => boolean): boolean {
  const source = sourceOf(graph, value);
  const node = graph.nodes.get(source);
  if (!node || branch(graph, source, quantized)) return node !== undefined;
  const [first, second] = node.inputs as [string, string];
  if (node.op === 'LayerNorm' || node.op === 'AttentionContext') return true;
  if (tabulated.has(node.op)) return branch(graph, first, quantized);
  if (node.op !== 'AddV2') return false;
  const sum = constantOperand(graph, node);
  if (sum) return isInteger(graph, sum.value, quantized);
  return branch(graph, first, quantized) || branch(graph, second, quantized);
}

/** Whether patches were projected to here, to which CqPatchEmbed adds the positions itself. */
function embedsPatches(graph: Graph, value: string): boolean {
  let node = graph.nodes.get(annotatedValue(graph, value));
  for (const op of ['Pad', 'BiasAdd', 'MatMul']) {
    if (node?.op === op) node = graph.nodes.get(annotatedValue(graph, node.inputs[0]!));
  }
  return node?.op === 'Patches';
}

function feedsContext(graph: Graph, node: Node): boolean {
  return consumersOf(graph, node.name).some(
    ({ op, name }) =>
      op === 'AttentionContext' ||
      (op === 'CqFakeQuantize' && consumersOf(graph, name).some((next) => next.op === 'AttentionContext')),
  );
}
