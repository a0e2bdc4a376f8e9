import type { Graph, Node } from '../graph.ts';
import { isArithmetic, isNear, polynomial } from './polynomial.ts';
import { everywhere, type Rewrite } from './rule.ts';

/** ½ x (1 + gate), in which the gate is erf or tanh of a polynomial in x. */
const gated = { x: 0.5, 'gate x': 0.5 };

const slope = Math.sqrt(2 / Math.PI);

/** What stands inside each. */
const gates: Readonly<Record<string, Readonly<Record<string, number>>>> = {
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
  for (const value of reached(graph, node.inputs)) {
    const gate = graph.nodes.get(value);
    const rewrite = gate && Object.hasOwn(gates, gate.op) ? fromGate(graph, node, gate) : undefined;
    if (rewrite) return rewrite;
  }
  return undefined;
});

function fromGate(graph: Graph, node: Node, gate: Node): Rewrite | undefined {
  for (const x of reached(graph, gate.inputs)) {
    const inside = new Set([gate.name]);
    const argument = polynomial(graph, gate.inputs[0]!, { x }, inside);
    if (!argument || !isNear(argument, gates[gate.op]!)) continue;
    const whole = polynomial(graph, node.name, { x, gate: gate.name }, inside);
    if (!whole || !isNear(whole, gated)) continue;
    inside.delete(node.name);
    const attrs = { approximate: gate.op === 'Tanh' };
    return { nodes: [{ name: node.name, op: 'Gelu', inputs: [x], attrs }], inside };
  }
  return undefined;
}

/** The values that a little arithmetic leads back to, the nearest first. */
function reached(graph: Graph, from: readonly string[]): Iterable<string> {
  const found = new Set<string>();
  let front = from;
  for (let step = 0; step < 5; step++) {
    const values = front.filter((value) => !graph.weights.has(value) && !found.has(value));
    for (const value of values) found.add(value);
    front = values.flatMap((value) => {
      const node = graph.nodes.get(value);
      return node && isArithmetic(node.op) ? node.inputs : [];
    });
  }
  return found;
}
