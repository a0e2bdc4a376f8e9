import { annotatedValue, readQuantizer } from './annotations.ts';
import { CqError } from './errors.ts';
import { numberAttr, producerOf, type Graph, type Node } from './graph.ts';
import { quantizers } from './quantizer.ts';
import { asInt8, PANEL_OUTPUTS } from './runtime/panel.ts';

/** A sentence that holds for every node of a sound graph, and what decides it: true, or the number that breaks it. */
export type Invariant = readonly [sentence: string, holds: (node: Node, graph: Graph) => true | unknown];

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
  [
    'a quantizer has 1 to 16 bits',
    (node, graph) => {
      if (!isFakeQuantize(node)) return true;
      const { bits } = readQuantizer(graph, node);
      return (Number.isInteger(bits) && bits >= 1 && bits <= 16) || bits;
    },
  ],
  [
    'every scale is a positive number',
    (node, graph) => {
      if (!isFakeQuantize(node)) return true;
      const bad = readQuantizer(graph, node).scale.find((scale) => !(scale > 0 && Number.isFinite(scale)));
      return bad === undefined || bad;
    },
  ],
  [
    'a quantizer over a mask has a zero level',
    (node, graph) => {
      if (!isFakeQuantize(node) || graph.nodes.get(node.inputs[0]!)?.op !== 'CqMask') return true;
      const quantizer = readQuantizer(graph, node);
      return quantizers[quantizer.kind].hasZero(quantizer) || [...quantizer.zeroPoint];
    },
  ],
  [
    'masks stand on weights',
    (node, graph) => node.op !== 'CqMask' || graph.weights.has(annotatedValue(graph, node.name)) || node.inputs[0],
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

function exists(graph: Graph, name: string): boolean {
  return graph.nodes.has(name) || graph.weights.has(name) || graph.inputs.some((input) => input.name === name);
}

/** The largest sum that a node's accumulators can reach, whatever its input codes are. */
export function accumulatorBound(node: Node, graph: Graph): number {
  if (node.op === 'CqLinear' || node.op === 'CqPatchEmbed') {
    const weight = graph.weights.get(node.inputs[1]!);
    const bias = graph.weights.get(node.inputs[2]!);
    if (!(weight?.data instanceof Uint8Array) || !(bias?.data instanceof Int32Array)) return 0;
    const panels = asInt8(weight.data);
    const outputs = Math.ceil(bias.data.length / PANEL_OUTPUTS) * PANEL_OUTPUTS;
    const sums = new Float64Array(outputs);
    const perPanel = panels.length / (outputs / PANEL_OUTPUTS);
    for (let first = 0, at = 0; first < outputs; first += PANEL_OUTPUTS) {
      for (const end = at + perPanel; at < end; at++) {
        const code = panels[at]!;
        sums[first + ((at >> 1) & 7)]! += (code < 0 ? -code : code) * 128;
      }
    }
    let bound = 0;
    for (const [n, value] of bias.data.entries()) bound = Math.max(bound, sums[n]! + Math.abs(value));
    return bound;
  }
  if (node.op === 'CqAttention') {
    const levels = graph.weights.get(node.inputs[4]!);
    const exponentials = graph.weights.get(node.inputs[3]!);
    if (!levels || !exponentials) return 0;
    const tokens = numberAttr(node, 'tokens');
    // Probability codes of one row sum to at most the top code plus a rounding of one half each.
    const top = largest(levels.data);
    return Math.max(tokens * largest(exponentials.data), 128 * (2 * top + tokens));
  }
  return 0;
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!);
  return most;
}
