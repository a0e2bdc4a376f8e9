import { annotatedValue, quantizerOf } from './annotations.ts';
import { consumersOf, type Graph, type Node } from './graph.ts';
import { weightOf } from './match.ts';
import { maskedLogits } from './padding-mask.ts';

/**
 * What integer kernels ask of an activation, from the ops that read it:
 * - `operand`: multiplied by a weight; its zero point folds into the bias;
 * - `factor`: multiplied by another activation (queries, keys, values), so its zero point must be 0;
 * - `probability`: a softmax output, from 0;
 * - `logit`: a softmax input;
 * - `index`: looked up in an activation table;
 * - `stream`: normalised, or added to a branch. The residual stream carries the outliers and stays wide.
 */
export type Role = 'operand' | 'factor' | 'probability' | 'logit' | 'index' | 'stream';

/** Ops that only move values: codes pass through them unchanged. */
export const movements: ReadonlySet<string> = new Set(['Reshape', 'Slice', 'Transpose', 'Patches']);

/** Activation functions that lower to a table. */
export const tabulated: ReadonlySet<string> = new Set(['Gelu', 'Relu', 'Relu6', 'Tanh', 'Sigmoid', 'Elu']);

/** The value that movements and annotations carry to here. */
export function sourceOf(graph: Graph, value: string): string {
  for (;;) {
    value = annotatedValue(graph, value);
    const node = graph.nodes.get(value);
    if (!node || !movements.has(node.op)) return value;
    value = node.inputs[0]!;
  }
}

/**
 * The role of every activation that an integer kernel would read, given which weights are or will be quantized.
 * Where a value has several, the one listed first in `precedence` stands.
 */
export function roles(graph: Graph, quantized: (weight: string) => boolean): ReadonlyMap<string, Role> {
  const found = new Map<string, Role>();
  const note = (value: string | undefined, role: Role): void => {
    if (value === undefined || weightOf(graph, value)) return;
    const source = sourceOf(graph, value);
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
    } else if (node.op === 'Softmax' && feedsContext(graph, node)) note(unmaskedLogits(graph, first), 'logit');
    else if (node.op === 'LayerNorm') note(first, 'stream');
    else if (tabulated.has(node.op) && branch(graph, first, quantized)) note(first, 'index');
    else if (node.op === 'AddV2' && !weightOf(graph, first) && !weightOf(graph, second)) {
      if (branch(graph, first, quantized)) note(second, 'stream');
      else if (branch(graph, second, quantized)) note(first, 'stream');
    }
  }
  // A sum or an activation that nothing quantized reads gains nothing from codes of its own.
  return found;
}

/** The logits behind `AddV2(logits, padding mask)`, or the value itself. */
function unmaskedLogits(graph: Graph, value: string | undefined): string | undefined {
  const node = value === undefined ? undefined : graph.nodes.get(annotatedValue(graph, value));
  return (node && maskedLogits(graph, node)?.logits) ?? value;
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

function feedsContext(graph: Graph, node: Node): boolean {
  return consumersOf(graph, node.name).some(
    ({ op, name }) =>
      op === 'AttentionContext' ||
      (op === 'CqFakeQuantize' && consumersOf(graph, name).some((next) => next.op === 'AttentionContext')),
  );
}
