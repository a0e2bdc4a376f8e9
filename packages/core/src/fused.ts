import { registerOp } from '@tensorflow/tfjs-converter';
import {
  engine,
  getBackend,
  getGradient,
  getKernel,
  registerGradient,
  reshape,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { makeGraph, numberAttr, type Attr, type Graph, type Node } from './graph.ts';

/**
 * Composites as single ops, each with a gradient, where TensorFlow.js's current backend has kernels for them, as `wasm` has
 * after `@cq/backend-wasm/register`. `decompose` takes the others apart. For running only: no model is stored like this.
 */
export function fused(graph: Graph): Graph {
  const backend = getBackend();
  const kernelOf = ({ op }: Node): string | undefined => {
    const name = fusions[op]?.op;
    return name !== undefined && getKernel(name, backend) ? name : undefined;
  };
  if (![...graph.nodes.values()].some(kernelOf)) return graph;
  for (const fusion of Object.values(fusions)) register(fusion);
  const nodes = [...graph.nodes.values()].map((node) => {
    const op = kernelOf(node);
    return op === undefined ? node : { ...node, op, attrs: fusions[node.op]!.attrs(node) };
  });
  return makeGraph({ ...graph, nodes, weights: graph.weights.values() });
}

/** Gradients by input, computed when asked for. */
type Gradients = Readonly<Record<string, () => Tensor>>;

interface Fusion {
  readonly op: string;
  readonly inputs: readonly string[];
  /** Those of them that come as [batch, tokens, heads · depth] in any number of axes. */
  readonly rows?: readonly string[];
  /** Saved inputs and outputs of the forward kernel that the gradients are made from, in this order. */
  readonly saved: { readonly inputs?: string[]; readonly output?: boolean };
  attrs(node: Node): Readonly<Record<string, Attr>>;
  gradients(dy: Tensor, saved: readonly Tensor[], attrs: NamedAttrMap): Gradients;
}

const run = <Result = Tensor>(kernel: string, inputs: NamedTensorMap, attrs: NamedAttrMap = {}): Result =>
  engine().runKernel(kernel, inputs, attrs) as Result;

/** Composite → what the kernels are called, what they take and how they are differentiated. */
const fusions: Readonly<Record<string, Fusion>> = {
  LayerNorm: {
    op: 'CqFusedLayerNorm',
    inputs: ['x', 'gamma', 'beta'],
    saved: { inputs: ['x', 'gamma'] },
    attrs: (node) => ({ epsilon: numberAttr(node, 'epsilon') }),
    gradients(dy, [x, gamma], attrs) {
      const all = run<[Tensor, Tensor, Tensor]>('CqFusedLayerNormGrad', { dy, x: x!, gamma: gamma! }, attrs);
      return { x: () => all[0], gamma: () => all[1], beta: () => all[2] };
    },
  },

  Gelu: {
    op: 'CqFusedGelu',
    inputs: ['x'],
    saved: { inputs: ['x'] },
    attrs: ({ attrs }) => ({ approximate: attrs['approximate'] === true }),
    gradients: (dy, [x], attrs) => ({ x: () => run('CqFusedGeluGrad', { dy, x: x! }, attrs) }),
  },

  Softmax: {
    op: 'CqFusedSoftmax',
    inputs: ['x'],
    saved: { output: true },
    attrs: () => ({}),
    gradients: (dy, [y]) => ({ x: () => run('CqFusedSoftmaxGrad', { dy, y: y! }) }),
  },

  /** l = factor · q kᵀ of each head:  dq = factor · dl k,  dk = factor · dlᵀ q */
  AttentionLogits: {
    op: 'CqFusedLogits',
    inputs: ['q', 'k'],
    rows: ['q', 'k'],
    saved: { inputs: ['q', 'k'] },
    attrs: ({ attrs }) => attrs,
    gradients: (dy, [q, k], { factor }) => ({
      q: () => run('CqFusedContext', { p: dy, v: k! }, { factor: factor!, transposed: false }),
      k: () => run('CqFusedContext', { p: dy, v: q! }, { factor: factor!, transposed: true }),
    }),
  },

  /** c = factor · p v of each head, or pᵀ v:  dp = factor · dc vᵀ, or v dcᵀ;  dv = factor · pᵀ dc, or p dc */
  AttentionContext: {
    op: 'CqFusedContext',
    inputs: ['p', 'v'],
    rows: ['v'],
    saved: { inputs: ['p', 'v'] },
    attrs: ({ attrs }) => ({ ...attrs, factor: 1, transposed: false }),
    gradients(dy, [p, v], { factor, transposed }) {
      const [q, k] = transposed ? [v!, dy] : [dy, v!];
      return {
        p: () => run('CqFusedLogits', { q, k }, { heads: p!.shape[1]!, factor: factor! }),
        v: () => run('CqFusedContext', { p: p!, v: dy }, { factor: factor!, transposed: !transposed }),
      };
    },
  },
};

function register({ op, inputs, rows = [], saved, gradients }: Fusion): void {
  registerOp(op, ({ inputs: given, attrs }) => {
    const named = inputs.map((name, i) => [name, rows.includes(name) ? asRows(given[i]!, attrs) : given[i]!] as const);
    return run(op, Object.fromEntries(named), attrs as NamedAttrMap);
  });
  if (getGradient(op)) return;
  registerGradient({
    kernelName: op,
    ...(saved.inputs && { inputsToSave: saved.inputs }),
    ...(saved.output && { outputsToSave: [true] }),
    gradFunc: (dy, kept, attrs) => gradients(dy as Tensor, kept, attrs),
  });
}

/** What `decompose` makes of an operand of attention, with the heads still side by side. */
function asRows(tensor: Tensor, { heads, depth, tokens }: Readonly<Record<string, unknown>>): Tensor {
  const count = (tokens as number) < 0 ? tensor.shape[1]! : (tokens as number);
  return reshape(tensor, [-1, count, (heads as number) * (depth as number)]);
}
