import { consumersOf, isOutput, makeGraph, numberAttr, type Graph, type Node, type Weight } from '@cq/core';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * A canonical graph as an exporter with other habits than `decompose` would write it: layer norms by Sub, Square, Sqrt
 * and RealDiv, GELUs in another grouping, dense layers flattened and fused, the patch embedding as a convolution,
 * attention scaled by a division, a copy of every constant for each reader, Identity nodes here and there, types restated,
 * nodes shuffled, and no name kept but those of inputs and outputs. The seed decides names, order, and which habit.
 */
export function asExported(graph: Graph, seed: number): Graph {
  const random = xoroshiro128plus(seed);
  const below = (count: number): number => uniformInt(random, 0, count - 1);
  const write = writer(graph, below);
  for (const node of graph.nodes.values()) {
    if (belongsToBias(graph, node)) continue;
    const product = node.op === 'BiasAdd' ? graph.nodes.get(node.inputs[0]!) : undefined;
    const grid = graph.nodes.get(product?.inputs[0] ?? '');
    if (product?.op !== 'MatMul') {
      const form = forms[node.op];
      const inputs = node.inputs.map(write.read);
      write.is(node, form ? form(node, inputs, write) : write.node(node.op, inputs, node.attrs));
    } else if (grid && belongsToBias(graph, grid)) {
      write.is(node, convolution(grid, product, node, write));
    } else {
      write.is(node, dense(product, node, write));
    }
  }
  const outputs = graph.outputs.map((output) => ({ ...output, value: write.read(output.value) }));
  return makeGraph({ ...graph, nodes: shuffled(write.nodes, below), weights: shuffled(write.weights, below), outputs });
}

interface Writer {
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
  node(op: string, inputs: readonly string[], attrs?: Node['attrs']): string;
  /** A number becomes float32, a list int32. */
  constant(value: number | readonly number[] | Omit<Weight, 'name'>): string;
  /** A value of the canonical graph under its new name, behind an Identity now and then. */
  readonly read: (value: string) => string;
  is(node: Node, written: string): void;
  weight(value: string): Weight;
  /** Tokens of a value [batch, tokens, channels]; undefined for a matrix. */
  tokens(value: string): number | undefined;
  flip(): boolean;
}

function writer(graph: Graph, below: (count: number) => number): Writer {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const names = new Map(graph.inputs.map(({ name }) => [name, name]));
  const tokens = tokensOf(graph);
  const taken = new Set(names.keys());
  const freshName = (): string => {
    const letters = Array.from({ length: 8 }, () => String.fromCharCode(97 + below(26))).join('');
    if (taken.has(letters)) return freshName();
    taken.add(letters);
    return letters;
  };
  const write: Writer = {
    nodes,
    weights,
    node(op, inputs, attrs = {}) {
      const name = freshName();
      nodes.push({ name, op, inputs, attrs: { ...attrs, T: { type: 'DT_FLOAT' } } });
      return name;
    },
    constant(value) {
      const name = freshName();
      if (typeof value === 'number') weights.push({ name, dtype: 'float32', shape: [], data: Float32Array.of(value) });
      else if ('data' in value) weights.push({ ...value, name });
      else weights.push({ name, dtype: 'int32', shape: [value.length], data: Int32Array.from(value) });
      return name;
    },
    read(value) {
      const weight = graph.weights.get(value);
      const written = weight ? write.constant(weight) : names.get(value)!;
      return below(3) === 0 ? write.node('Identity', [written]) : written;
    },
    is: (node, written) => void names.set(node.name, written),
    weight: (value) => graph.weights.get(value)!,
    tokens: (value) => tokens.get(value),
    flip: () => below(2) === 0,
  };
  return write;
}

function tokensOf(graph: Graph): ReadonlyMap<string, number | undefined> {
  const tokens = new Map<string, number | undefined>();
  for (const { name, op, inputs, attrs } of graph.nodes.values()) {
    const constant = graph.weights.get(inputs[1] ?? '')?.data;
    let count = inputs.map((input) => tokens.get(input)).find((known) => known !== undefined);
    if (op === 'Patches') count = Number(attrs['rows']) * Number(attrs['columns']);
    if (op === 'AttentionContext') count = Number(attrs['tokens']);
    if (op === 'Reshape') count = constant!.length === 3 ? constant![1] : undefined;
    if (op === 'Slice') count = graph.weights.get(inputs[2]!)!.data[1];
    if (op === 'Pad') count = count! + constant![2]! + constant![3]!;
    tokens.set(name, count);
  }
  return tokens;
}

/** A product, and the patches it multiplies, that are written together with the bias behind them. */
function belongsToBias(graph: Graph, node: Node): boolean {
  const [reader, ...others] = consumersOf(graph, node.name);
  if (!reader || others.length > 0 || isOutput(graph, node.name)) return false;
  if (node.op === 'MatMul') return reader.op === 'BiasAdd';
  return node.op === 'Patches' && reader.op === 'MatMul' && belongsToBias(graph, reader);
}

/** Reshape ─► _FusedMatMul {BiasAdd} ─► Reshape, or BatchMatMulV2 ─► AddV2 */
function dense({ inputs: [x, w] }: Node, { inputs: [, b] }: Node, write: Writer): string {
  const { shape, data } = write.weight(w!);
  const [rows, columns] = shape as [number, number];
  const adjoint = write.flip();
  const tokens = write.tokens(x!);
  const stored = adjoint ? permuted(data as Float32Array, shape, [1, 0]) : (data as Float32Array);
  const weight = write.constant({ dtype: 'float32', shape: adjoint ? [columns, rows] : shape, data: stored });
  if (tokens !== undefined && write.flip()) {
    const plain = write.node('BatchMatMulV2', [write.read(x!), weight], { adj_x: false, adj_y: adjoint });
    return write.node('AddV2', [write.read(b!), plain]);
  }
  const flat = tokens === undefined ? write.read(x!) : reshaped(write, write.read(x!), [-1, rows]);
  const fused = write.node('_FusedMatMul', [flat, weight, write.read(b!)], {
    fused_ops: { raw: { list: { s: [btoa('BiasAdd')] } } },
    num_args: 1,
    transpose_a: false,
    transpose_b: adjoint,
  });
  return tokens === undefined ? fused : reshaped(write, fused, [-1, tokens, columns]);
}

/** Transpose ─► Conv2D ─► BiasAdd ─► Reshape */
function convolution(grid: Node, { inputs: [, w] }: Node, { inputs: [, b] }: Node, write: Writer): string {
  const [size, channels] = [numberAttr(grid, 'size'), numberAttr(grid, 'channels')];
  const outputs = write.weight(w!).shape[1]!;
  const kernel = write.constant({
    dtype: 'float32',
    shape: [size, size, channels, outputs],
    data: permuted(write.weight(w!).data as Float32Array, [channels, size, size, outputs], [1, 2, 0, 3]),
  });
  const image = write.node('Transpose', [write.read(grid.inputs[0]!), write.constant([0, 2, 3, 1])]);
  const convolved = write.node('Conv2D', [image, kernel], {
    strides: [1, size, size, 1],
    dilations: [1, 1, 1, 1],
    padding: 'VALID',
    data_format: 'NHWC',
  });
  const biased = write.node('BiasAdd', [convolved, write.read(b!)], { data_format: 'NHWC' });
  return reshaped(write, biased, [-1, numberAttr(grid, 'rows') * numberAttr(grid, 'columns'), outputs]);
}

const forms: Readonly<Record<string, (node: Node, inputs: readonly string[], write: Writer) => string>> = {
  /** γ (x − μ) / √(σ² + ε) + β */
  LayerNorm(node, [x, gamma, beta], write) {
    const axis = write.tokens(node.inputs[0]!) === undefined ? 1 : 2;
    const mean = (value: string): string =>
      write.node('Mean', [value, write.constant([write.flip() ? -1 : axis])], { keep_dims: true });
    const centred = write.node('Sub', [x!, mean(x!)]);
    const square = write.flip() ? write.node('Square', [centred]) : write.node('Mul', [centred, centred]);
    const shifted = write.node('AddV2', [write.constant(numberAttr(node, 'epsilon')), mean(square)]);
    const normal = write.node('RealDiv', [centred, write.node('Sqrt', [shifted])]);
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

  /** Keys transposed for a plain product; √depth divides the logits, or its root divides queries and keys. */
  AttentionLogits(node, [q, k], write) {
    const divisor = 1 / numberAttr(node, 'factor');
    const early = write.flip();
    const root = (value: string): string =>
      early ? write.node('RealDiv', [value, write.constant(Math.sqrt(divisor))]) : value;
    const queries = root(write.node('Transpose', [split(node, q!, write), write.constant([0, 2, 1, 3])]));
    const keys = write.node('Transpose', [root(split(node, k!, write)), write.constant([0, 2, 3, 1])]);
    const products = write.node('BatchMatMulV2', [queries, keys], { adj_x: false, adj_y: false });
    return early ? products : write.node('RealDiv', [products, write.constant(divisor)]);
  },

  AttentionContext(node, [p, v], write) {
    const values = write.node('Transpose', [split(node, v!, write), write.constant([0, 2, 1, 3])]);
    const context = write.node('BatchMatMulV2', [p!, values], { adj_x: false, adj_y: false });
    const rows = write.node('Transpose', [context, write.constant([0, 2, 1, 3])]);
    return reshaped(write, rows, [
      -1,
      numberAttr(node, 'tokens'),
      numberAttr(node, 'heads') * numberAttr(node, 'depth'),
    ]);
  },

  /** exp(x − max x) / Σ exp(x − max x) */
  Softmax(_, [x], write) {
    if (write.flip()) return write.node('Softmax', [x!]);
    const over = (op: string, value: string): string =>
      write.node(op, [value, write.constant([-1])], { keep_dims: true });
    const exponentials = write.node('Exp', [write.node('Sub', [x!, over('Max', x!)])]);
    return write.node('RealDiv', [exponentials, over('Sum', exponentials)]);
  },
};

const split = (node: Node, value: string, write: Writer): string =>
  reshaped(write, value, [-1, numberAttr(node, 'tokens'), numberAttr(node, 'heads'), numberAttr(node, 'depth')]);

const reshaped = (write: Writer, value: string, shape: readonly number[]): string =>
  write.node('Reshape', [value, write.constant(shape)]);

/** Row-major data with its axes in another order. */
function permuted(data: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const stride = (axis: number): number => shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  let offsets = [0];
  for (const axis of order) {
    offsets = offsets.flatMap((offset) => Array.from({ length: shape[axis]! }, (_, i) => offset + i * stride(axis)));
  }
  return Float32Array.from(offsets, (offset) => data[offset]!);
}

function shuffled<T>(items: readonly T[], below: (count: number) => number): readonly T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
