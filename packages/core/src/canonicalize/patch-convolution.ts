import { freeName } from '../edit.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { constantOperand } from '../match.ts';
import { integersWeight, plainWeight, reshaped, transposed, vectorOf } from './constant.ts';
import { fusedTail } from './fused-mat-mul.ts';
import { everywhere, type Rewrite } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { hasSizes } from './sizes.ts';
import { hasOrder } from './transpose.ts';

/**
 *     x ─► Transpose 0 2 3 1 ─► Conv2D {strides: p, VALID} ─► BiasAdd ─► Reshape(b, r · s, n)
 *     w [p, p, c, n] ─────────────┘
 *
 * becomes     x ─► Patches ─► MatMul ─► BiasAdd
 *             w [c · p², n] ────┘
 *
 * An x that comes with its channels last is transposed first.
 */
export const patchConvolution = everywhere((node, graph): Rewrite | undefined => {
  if (node.op !== 'Reshape') return undefined;
  const flat = unbiased(graph, node);
  const convolution = graph.nodes.get(flat?.value ?? '');
  if (!flat || !convolution || !(convolution.op === 'Conv2D' || convolution.op === '_FusedConv2D')) return undefined;
  const tail = convolution.op === 'Conv2D' ? undefined : fusedTail(graph, convolution);
  if (convolution.op !== 'Conv2D' && !tail) return undefined;
  const weight = plainWeight(graph, convolution.inputs[1]);
  const grid = gridOf(graph, convolution);
  if (!weight || !grid || !hasSizes(shapesOf(graph).of(node.name), [grid.rows * grid.columns, weight.shape[3]!])) {
    return undefined;
  }
  if (flat.bias && flat.bias.length !== weight.shape[3]) return undefined;
  const { size, channels } = grid;
  const turned = transposed(graph, weight, [2, 0, 1, 3]);
  const matrix = { ...reshaped(graph, turned, [channels * size * size, weight.shape[3]!]), name: turned.name };
  const image = channelsFirst(graph, convolution.inputs[0]!, node.name);
  const part = (name: string): string => freeName(graph, `${node.name}/${name}`);

  const steps: Node[] = [
    { name: part('patches'), op: 'Patches', inputs: [image.value], attrs: grid },
    { name: part('product'), op: 'MatMul', inputs: [part('patches'), matrix.name], attrs: {} },
    ...(tail?.nodes ?? []).map((step, i) => ({ ...step, name: part(`fused_${i}`) })),
    ...(flat.bias ? [{ name: part('biased'), op: 'BiasAdd', inputs: ['', flat.bias.value], attrs: {} }] : []),
  ];
  const nodes = steps.map((step, i) => ({
    ...step,
    name: i === steps.length - 1 ? node.name : step.name,
    inputs: i === 0 ? step.inputs : [steps[i - 1]!.name, ...step.inputs.slice(1)],
  }));
  return {
    nodes: [...image.nodes, ...nodes],
    weights: [matrix, ...image.weights, ...(flat.bias?.weights ?? [])],
    inside: [...flat.inside, convolution.name],
  };
});

/** The value behind a Reshape, without the bias that may stand between. */
function unbiased(
  graph: Graph,
  { inputs }: Node,
): { value: string; bias?: ReturnType<typeof vectorOf>; inside: string[] } | undefined {
  const node = graph.nodes.get(inputs[0]!);
  if (node?.op !== 'BiasAdd' && node?.op !== 'AddV2') return { value: inputs[0]!, inside: [] };
  const operand = constantOperand(graph, node);
  if (!operand || (node.op === 'BiasAdd' && 'data_format' in node.attrs)) return undefined;
  const bias = vectorOf(graph, node.inputs[node.inputs[0] === operand.value ? 1 : 0]!, 4);
  return bias && { value: operand.value, bias, inside: [node.name] };
}

/** The patches that a convolution looks at, if they neither overlap nor leave anything out. */
function gridOf(
  graph: Graph,
  { inputs, attrs }: Node,
): { size: number; channels: number; rows: number; columns: number } | undefined {
  const [image, kernel] = inputs.map((input) => shapesOf(graph).of(input));
  if (image?.length !== 4 || kernel?.length !== 4 || (attrs['data_format'] ?? 'NHWC') !== 'NHWC') return undefined;
  const [size, width, channels] = kernel as [number, number, number];
  const [, height, across, depth] = image as [number, number, number, number];
  if (String(attrs['strides']) !== String([1, size, size, 1]) || size !== width || depth !== channels) return undefined;
  if (String(attrs['dilations'] ?? [1, 1, 1, 1]) !== '1,1,1,1' || !(height > 0 && across > 0)) return undefined;
  if (height % size !== 0 || across % size !== 0) return undefined;
  if (attrs['padding'] !== 'VALID' && attrs['padding'] !== 'SAME') return undefined;
  return { size, channels, rows: height / size, columns: across / size };
}

/** An image as [batch, channels, height, width]: what was transposed for the convolution, or transposed now. */
function channelsFirst(
  graph: Graph,
  value: string,
  name: string,
): { value: string; nodes: readonly Node[]; weights: readonly Weight[] } {
  const node = graph.nodes.get(value);
  if (node?.op === 'Transpose' && hasOrder(graph, node, [0, 2, 3, 1])) {
    return { value: node.inputs[0]!, nodes: [], weights: [] };
  }
  const order = integersWeight(graph, `${name}/channels_first_order`, [0, 3, 1, 2]);
  const first = freeName(graph, `${name}/channels_first`);
  return {
    value: first,
    nodes: [{ name: first, op: 'Transpose', inputs: [value, order.name], attrs: {} }],
    weights: [order],
  };
}
