import type { Graph, Node } from '../graph.ts';
import { isArithmetic, isNear, polynomial } from './polynomial.ts';
import { everywhere, type Rewrite } from './rule.ts';

/** ½ x (1 + gate), in which the gate is erf or tanh of a polynomial in x. */
const gated = { x: 0.5, 'gate x': 0.5 };

const slope = Math.sqrt(2 / Math.PI);

const arguments_: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Erf: { x: Math.SQRT1_2 },
  Tanh: { x: slope, 'x x x': slope * 0.044715 },
};

/**
 *     ½ x (1 + erf(x / √2))                          becomes     Gelu(x) {approximate: false}
 *     ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))       becomes     Gelu(x) {approximate: true}
 *
 * in any grouping and order: both sides are compared as polynomials.
 */
export const gelu = everywhere((node, graph) => {
  if (node.op !== 'Mul' && node.op !== 'AddV2' && node.op !== 'RealDiv') return undefined;
  for (const gate of reached(graph, node.inputs, ({ op }) => op in arguments_)) {
    const rewrite = fromGate(graph, node, graph.nodes.get(gate)!);
    if (rewrite) return rewrite;
  }
  return undefined;
});

function fromGate(graph: Graph, node: Node, gate: Node): Rewrite | undefined {
  for (const x of reached(graph, gate.inputs, () => true)) {
    const inside = new Set([gate.name]);
    const argument = polynomial(graph, gate.inputs[0]!, { x }, inside);
    if (!argument || !isNear(argument, arguments_[gate.op]!)) continue;
    const whole = polynomial(graph, node.name, { x, gate: gate.name }, inside);
    if (!whole || !isNear(whole, gated)) continue;
    inside.delete(node.name);
    const attrs = { approximate: gate.op === 'Tanh' };
    return { nodes: [{ name: node.name, op: 'Gelu', inputs: [x], attrs }], inside };
  }
  return undefined;
}

/** The values wanted among those that a little arithmetic leads back to, the nearest first. */
function reached(graph: Graph, from: readonly string[], wanted: (node: Node) => boolean, depth = 4): readonly string[] {
  const found = new Set<string>();
  let front = from;
  for (let step = 0; step <= depth && front.length > 0; step++) {
    const next: string[] = [];
    for (const value of front) {
      const node = graph.nodes.get(value);
      if (graph.weights.has(value)) continue;
      if (!node || wanted(node)) found.add(value);
      if (node && isArithmetic(node.op)) next.push(...node.inputs);
    }
    front = [...new Set(next)];
  }
  return [...found];
}
