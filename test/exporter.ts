import { makeGraph, numberAttr, type Graph, type Node } from '@cq/core';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { attentionForms, layerAt, type AttentionForms, type Layer } from './exporter/attention.ts';
import { additiveMask, firstToken, idsBehind, lookup, maskBehind, positions, tokenBehind } from './exporter/text.ts';
import { permuted, reshaped, shuffled, withTokens, writer, type Writer } from './exporter/writer.ts';

/**
 * A canonical graph as an exporter with other habits than `decompose` would write it: layer norms by Sub, Square, Sqrt
 * and RealDiv, GELUs in another grouping, dense layers flattened and fused, the patch embedding as a convolution,
 * attention by Einsum or from one packed product, lookups by OneHot, masks by rows of ones, shapes that are asked for, a
 * copy of every constant for each reader, Identity nodes here and there, types restated, nodes shuffled, and no name kept
 * but those of inputs and outputs. The seed decides names, order, and which habit.
 */
export function asExported(graph: Graph, seed: number): Graph {
  const random = xoroshiro128plus(seed);
  const below = (count: number): number => uniformInt(random, 0, count - 1);
  const write = writer(graph, below, (node) => written(graph, node, write, attention));
  const attention = attentionForms(graph, write);
  const outputs = graph.outputs.map((output) => ({ ...output, value: write.read(output.value) }));
  return makeGraph({ ...graph, nodes: shuffled(write.nodes, below), weights: shuffled(write.weights, below), outputs });
}

function written(graph: Graph, node: Node, write: Writer, attention: AttentionForms): string {
  const [first, second] = node.inputs as [string, string];
  const mask = maskBehind(graph, node);
  const ids = idsBehind(graph, node);
  const token = tokenBehind(graph, node);
  const layer = layerAt(graph, node.name);
  if (node.op === 'AttentionLogits') return attention.logits(node);
  if (node.op === 'AttentionContext') return attention.context(node);
  if (node.op === 'GatherV2' && graph.weights.has(first)) return lookup(node, write);
  if (mask !== undefined) return additiveMask(mask, write);
  if (ids !== undefined) return positions(first, ids, write);
  if (token) return firstToken(token.x, token.width, write);
  if (layer) {
    const grid = graph.nodes.get(layer.x);
    if (grid?.op === 'Patches') return convolution(grid, layer, write);
    return attention.merging(layer) ?? dense(graph.nodes.get(first)!, layer, write);
  }
  const inputs = [first, second, ...node.inputs.slice(2)].filter((input) => input !== undefined).map(write.read);
  return forms[node.op]?.(node, inputs, write) ?? write.node(node.op, inputs, node.attrs);
}

/** Reshape ─► _FusedMatMul {BiasAdd} ─► Reshape, or BatchMatMulV2 ─► AddV2 */
function dense(product: Node, { x, weight, bias }: Layer, write: Writer): string {
  const stored = write.weight(weight);
  const tied = product.attrs['transpose_b'] === true;
  const adjoint = tied || write.flip();
  const [rows, columns] = (tied ? [...stored.shape].reverse() : stored.shape) as [number, number];
  const turned = {
    ...stored,
    shape: [columns, rows],
    data: permuted(stored.data as Float32Array, stored.shape, [1, 0]),
  };
  const matrix = tied ? write.read(weight) : write.constant(adjoint ? turned : stored);
  const tokens = write.tokens(x);
  if (tokens !== undefined && write.flip()) {
    const plain = write.node('BatchMatMulV2', [write.read(x), matrix], { adj_x: false, adj_y: adjoint });
    return write.node('AddV2', [write.read(bias), plain]);
  }
  const given = write.read(x);
  const flat = tokens === undefined ? given : reshaped(write, given, [-1, rows]);
  const fused = write.node('_FusedMatMul', [flat, matrix, write.read(bias)], {
    fused_ops: { raw: { list: { s: [btoa('BiasAdd')] } } },
    num_args: 1,
    transpose_a: false,
    transpose_b: adjoint,
  });
  return tokens === undefined ? fused : withTokens(write, fused, tokens, [columns], given);
}

/** Transpose ─► Conv2D ─► BiasAdd ─► Reshape */
function convolution(grid: Node, { weight, bias }: Layer, write: Writer): string {
  const [size, channels] = [numberAttr(grid, 'size'), numberAttr(grid, 'channels')];
  const outputs = write.weight(weight).shape[1]!;
  const kernel = write.constant({
    dtype: 'float32',
    shape: [size, size, channels, outputs],
    data: permuted(write.weight(weight).data as Float32Array, [channels, size, size, outputs], [1, 2, 0, 3]),
  });
  const image = write.node('Transpose', [write.read(grid.inputs[0]!), write.constant([0, 2, 3, 1])]);
  const convolved = write.node('Conv2D', [image, kernel], {
    strides: [1, size, size, 1],
    dilations: [1, 1, 1, 1],
    padding: 'VALID',
    data_format: 'NHWC',
  });
  const biased = write.node('BiasAdd', [convolved, write.read(bias)], { data_format: 'NHWC' });
  return reshaped(write, biased, [-1, numberAttr(grid, 'rows') * numberAttr(grid, 'columns'), outputs]);
}

const forms: Readonly<Record<string, (node: Node, inputs: readonly string[], write: Writer) => string>> = {
  /** γ (x − μ) / √(σ² + ε) + β, or as a batch norm */
  LayerNorm(node, [x, gamma, beta], write) {
    const axis = write.tokens(node.inputs[0]!) === undefined ? 1 : 2;
    const mean = (value: string): string =>
      write.node('Mean', [value, write.constant([write.flip() ? -1 : axis])], { keep_dims: true });
    const epsilon = write.constant(numberAttr(node, 'epsilon'));
    if (write.flip()) {
      const average = mean(x!);
      const squares = write.node('SquaredDifference', [x!, write.node('StopGradient', [average])]);
      const inverse = write.node('Rsqrt', [write.node('AddV2', [mean(squares), epsilon])]);
      const factor = write.node('Mul', [inverse, gamma!]);
      const offset = write.node('Sub', [beta!, write.node('Mul', [average, factor])]);
      return write.node('AddV2', [write.node('Mul', [x!, factor]), offset]);
    }
    const centred = write.node('Sub', [x!, mean(x!)]);
    const square = write.flip() ? write.node('Square', [centred]) : write.node('Mul', [centred, centred]);
    const normal = write.node('RealDiv', [centred, write.node('Sqrt', [write.node('AddV2', [epsilon, mean(square)])])]);
    return write.node('Add', [beta!, write.node('Mul', [gamma!, normal])]);
  },

  /** x (½ (1 + erf(x / √2))), and x (1 + tanh(x √(2/π) (1 + 0.044715 x²))) ½ */
  Gelu(node, [x], write) {
    const one = (value: string): string => write.node('AddV2', [write.constant(1), value]);
    if (!node.attrs['approximate']) {
      const erf = write.node('Erf', [write.node('RealDiv', [x!, write.constant(Math.SQRT2)])]);
      return write.node('Mul', [x!, write.node('Mul', [write.constant(0.5), one(erf)])]);
    }
    const square = write.node('Pow', [x!, write.constant(2)]);
    const bend = one(write.node('Mul', [write.constant(0.044715), square]));
    const slope = write.node('Mul', [x!, write.constant(Math.sqrt(2 / Math.PI))]);
    const tanh = write.node('Tanh', [write.node('Mul', [slope, bend])]);
    return write.node('Mul', [write.node('Mul', [x!, one(tanh)]), write.constant(0.5)]);
  },

  /** exp(x − max x) / Σ exp(x − max x), or with a tiny number added first */
  Softmax(_, [x], write) {
    if (write.flip()) return write.node('Softmax', [write.node('AddV2', [x!, write.constant(1e-9)])]);
    const over = (op: string, value: string): string =>
      write.node(op, [value, write.constant([-1])], { keep_dims: true });
    const exponentials = write.node('Exp', [write.node('Sub', [x!, over('Max', x!)])]);
    return write.node('RealDiv', [exponentials, over('Sum', exponentials)]);
  },

  /** Sums in either order. */
  AddV2: (_, [a, b], write) => write.node('AddV2', write.flip() ? [b!, a!] : [a!, b!]),
};
