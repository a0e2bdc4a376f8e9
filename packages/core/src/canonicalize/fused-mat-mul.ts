import { freeName } from '../edit.ts';
import type { Attr, Graph, Node } from '../graph.ts';
import { rightOperand } from './mat-mul.ts';
import { everywhere, type Rewrite } from './rule.ts';

/**
 * x ─► _FusedMatMul {BiasAdd, Relu} ◄── w, b     becomes     x ─► MatMul ◄── w
 *                                                                    └─► BiasAdd ◄── b
 *                                                                           └─► Relu
 */
export const fusedMatMul = everywhere((node, graph) => {
  if (node.op !== '_FusedMatMul') return undefined;
  const operand = rightOperand(graph, node);
  const tail = operand && fusedTail(graph, node);
  if (!tail) return undefined;
  const { value, weights, attrs } = operand;
  const product: Node = { name: tail.first, op: 'MatMul', inputs: [node.inputs[0]!, value], attrs };
  return { nodes: [product, ...tail.nodes], weights, inside: [] } satisfies Rewrite;
});

/** What a fused node does after its product: the product must be named `first`, the last node has the node's name. */
export function fusedTail(
  graph: Graph,
  { name, inputs, attrs }: Node,
): { readonly first: string; readonly nodes: readonly Node[] } | undefined {
  const ops = strings(attrs['fused_ops']);
  const [bias] = inputs.slice(2);
  if (!ops || inputs.length !== (ops.includes('BiasAdd') ? 3 : 2)) return undefined;
  const steps = ops.map((op): Omit<Node, 'name'> | undefined => {
    if (op === 'BiasAdd') return { op, inputs: [bias!], attrs: {} };
    const activation = Object.hasOwn(activations, op) ? activations[op] : undefined;
    return activation && { ...activation, inputs: [], attrs: activation.attrs(attrs) };
  });
  if (!steps.every((step) => step !== undefined)) return undefined;
  const parts = ['product', ...ops.map((op) => op.toLowerCase())];
  const names = parts.map((part, i) => (i === parts.length - 1 ? name : freeName(graph, `${name}/${part}`)));
  const nodes = steps.map((step, i) => ({ ...step, name: names[i + 1]!, inputs: [names[i]!, ...step.inputs] }));
  return { first: names[0]!, nodes };
}

const plain = (op: string): { op: string; attrs: (fused: Node['attrs']) => Node['attrs'] } => ({
  op,
  attrs: () => ({}),
});

const activations: Readonly<Record<string, ReturnType<typeof plain>>> = {
  Relu: plain('Relu'),
  Relu6: plain('Relu6'),
  Elu: plain('Elu'),
  Tanh: plain('Tanh'),
  Sigmoid: plain('Sigmoid'),
  LeakyRelu: { op: 'LeakyRelu', attrs: ({ leakyrelu_alpha }) => ({ alpha: leakyrelu_alpha ?? 0.2 }) },
  GeluExact: { op: 'Gelu', attrs: () => ({ approximate: false }) },
  GeluApproximate: { op: 'Gelu', attrs: () => ({ approximate: true }) },
};

/** A list of strings as graph models keep it: base64 in `{ list: { s } }`. */
function strings(attr: Attr | undefined): readonly string[] | undefined {
  if (attr === undefined) return [];
  if (typeof attr !== 'object' || !('raw' in attr)) return Array.isArray(attr) && attr.length === 0 ? [] : undefined;
  const { list } = attr.raw as { readonly list?: { readonly s?: readonly unknown[] } };
  const texts = list?.s ?? [];
  return texts.every((text) => typeof text === 'string') ? texts.map((text) => atob(text)) : undefined;
}
