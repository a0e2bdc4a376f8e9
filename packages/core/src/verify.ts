import { annotatedValue, readQuantizer } from './annotations.ts';
import { CqError } from './errors.ts';
import { numberAttr, producerOf, type Graph, type Node } from './graph.ts';
import { hasZero } from './quantizer.ts';
import { loweredOps } from './runtime/ops.ts';
import { fromPanels, panelBytes, type PanelAttrs } from './runtime/panel.ts';
import { BOUNDARY_BITS } from './runtime/shift-attention.ts';

/** A sentence that holds for every node of a sound graph, and what decides it: true, or the number that breaks it. */
export type Invariant = readonly [sentence: string, holds: (node: Node, graph: Graph) => true | unknown];

/** Ops of power-of-two models: without a float among their attributes. */
const isShift = (op: string): boolean => {
  const row = loweredOps.get(op);
  return (
    row !== undefined && !Object.values(row.attrs).includes('float') && row.inputs.every((input) => input !== 'scale')
  );
};

const isFakeQuantize = ({ op }: Node): boolean => op === 'CqFakeQuantize';

const invariants: readonly Invariant[] = [
  [
    'every input names a value',
    ({ inputs }, graph) =>
      inputs.every((input) => exists(graph, producerOf(input))) ||
      inputs.find((input) => !exists(graph, producerOf(input))),
  ],
  [
    'a value has at most one mask and one quantizer, in this order',
    (node, graph) => {
      if (node.op !== 'CqMask' && !isFakeQuantize(node)) return true;
      const below = graph.nodes.get(node.inputs[0]!);
      return (
        !below || (below.op !== 'CqFakeQuantize' && !(node.op === 'CqMask' && below.op === 'CqMask')) || below.name
      );
    },
  ],
  ['a quantizer has what its kind needs', (node, graph) => !isFakeQuantize(node) || whyUnreadable(graph, node) || true],
  [
    'every scale is a positive number',
    (node, graph) => {
      if (!isFakeQuantize(node)) return true;
      const quantizer = readQuantizer(graph, node);
      if (quantizer.kind === 'dynamic') return true;
      const bad = quantizer.scale.find((scale) => !(scale > 0 && Number.isFinite(scale)));
      return bad === undefined || bad;
    },
  ],
  [
    'a quantizer over a mask has a zero level',
    (node, graph) => {
      if (!isFakeQuantize(node) || graph.nodes.get(node.inputs[0]!)?.op !== 'CqMask') return true;
      return hasZero(readQuantizer(graph, node)) || node.attrs;
    },
  ],
  [
    'masks stand on weights',
    (node, graph) => node.op !== 'CqMask' || graph.weights.has(annotatedValue(graph, node.name)) || node.inputs[0],
  ],
  [
    'a node of integers touches no float',
    ({ op, inputs }, graph) => {
      const float = inputs.find((input) => graph.weights.get(input)?.dtype === 'float32');
      return !isShift(op) || float === undefined || float;
    },
  ],
  [
    'an aligned sum fits in 52 bits',
    (node, graph) => {
      const bound = alignedBound(node, graph);
      return bound < 2 ** 52 || bound;
    },
  ],
  [
    'an integer sum fits in 31 bits',
    (node, graph) => {
      const bound = accumulatorBound(node, graph);
      return bound < 2 ** 31 || bound;
    },
  ],
];

/**
 * Checks every invariant on every node.
 * @throws CqError `<origin>: "<node>": <sentence>, got <number>`. `origin` says which pass made the graph.
 */
export function verify(graph: Graph, origin: string): void {
  for (const node of graph.nodes.values()) {
    for (const [sentence, holds] of invariants) {
      const result = holds(node, graph);
      if (result !== true) throw new CqError(`${origin}: "${node.name}": ${sentence}, got ${JSON.stringify(result)}`);
    }
  }
}

function whyUnreadable(graph: Graph, node: Node): string | undefined {
  try {
    readQuantizer(graph, node);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function exists(graph: Graph, name: string): boolean {
  return graph.nodes.has(name) || graph.weights.has(name) || graph.inputs.some((input) => input.name === name);
}

/** The largest sum that a node's accumulators can reach, whatever its input codes are. */
export function accumulatorBound(node: Node, graph: Graph): number {
  if (['CqLinear', 'CqShiftLinear', 'CqPatchEmbed', 'CqShiftPatchEmbed'].includes(node.op)) {
    const weight = graph.weights.get(node.inputs[1]!);
    const bias = graph.weights.get(node.inputs[2]!);
    if (!(weight?.data instanceof Uint8Array) || !(bias?.data instanceof Int32Array)) return 0;
    const { outputs, inputs, weightBits } = node.attrs as unknown as PanelAttrs;
    if (bias.data.length !== outputs || weight.data.length !== panelBytes(outputs, inputs, weightBits)) return 0;
    const codes = fromPanels(weight.data, outputs, inputs, weightBits);
    const sums = new Float64Array(outputs);
    for (let n = 0, at = 0; n < outputs; n++) {
      for (const end = at + inputs; at < end; at++) sums[n]! += (codes[at]! < 0 ? -codes[at]! : codes[at]!) * 128;
    }
    let bound = 0;
    for (const [n, value] of bias.data.entries()) bound = Math.max(bound, sums[n]! + Math.abs(value));
    const tokens = node.op === 'CqShiftPatchEmbed' ? graph.weights.get(node.inputs[5]!) : undefined;
    return bound + (tokens ? largest(tokens.data) : 0);
  }
  if (node.op === 'CqAttention' || node.op === 'CqShiftAttention') {
    const levels = graph.weights.get(node.inputs[4]!);
    const exponentials = graph.weights.get(node.inputs[3]!);
    if (!levels || !exponentials) return 0;
    const tokens = numberAttr(node, 'tokens');
    const bias = node.attrs['biased'] === true ? graph.weights.get(node.inputs[5]!) : undefined;
    const products = 2 ** 14 * numberAttr(node, 'depth') + (bias ? largest(bias.data) : 0);
    const boundaries = graph.weights.get(
      node.inputs[5 + Number(bias !== undefined) + Number(numberAttr(node, 'windows') > 0)]!,
    );
    // Probability codes of one row sum to at most the top code plus a rounding of one half each.
    const row =
      node.attrs['probabilityKind'] === 'uniform' || !boundaries
        ? 2 * largest(levels.data) + tokens
        : cellBound(levels.data, boundaries.data, tokens, wholeShare(node));
    return Math.max(products, tokens * largest(exponentials.data), 128 * row);
  }
  return 0;
}

/** The sum of all shares of a row, in the units of the boundaries. */
const wholeShare = (node: Node): number =>
  node.op === 'CqShiftAttention' ? 2 ** BOUNDARY_BITS : 1 / numberAttr(node, 'probabilityScale');

/** The largest sum of an accumulator and a residual in units of the finer one of them. */
function alignedBound(node: Node, graph: Graph): number {
  if (node.op !== 'CqShiftLinear' || node.attrs['residual'] !== true) return 0;
  const [units, exponents] = [graph.weights.get(node.inputs[3]!)?.data, graph.weights.get(node.inputs.at(-1)!)?.data];
  const sum = accumulatorBound(node, graph);
  let bound = 0;
  for (let n = 0; n < (units?.length ?? 0); n++) {
    const finest = Math.min(units![n]!, exponents?.[n] ?? Infinity);
    bound = Math.max(bound, sum * 2 ** (units![n]! - finest) + 2 ** (15 + (exponents?.[n] ?? finest) - finest));
  }
  return bound;
}

/** What the levels of a row of shares, that sum to `total`, can sum to. */
function cellBound(levels: ArrayLike<number>, boundaries: ArrayLike<number>, tokens: number, total: number): number {
  let steepest = 0;
  for (let i = 0; i < boundaries.length; i++) {
    const level = Math.abs(levels[i + 1]!);
    if (level > 0) steepest = Math.max(steepest, level / Math.max(boundaries[i]!, 0));
  }
  return Math.min(tokens * largest(levels), steepest * total + tokens * Math.abs(levels[0]!));
}

/** The largest magnitude. */
function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > most || -value > most) most = value < 0 ? -value : value;
  }
  return most;
}
