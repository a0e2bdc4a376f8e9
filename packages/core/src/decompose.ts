import { shapesOf } from './canonicalize/shapes.ts';
import type { Shapes } from './canonicalize/sizes.ts';
import { numberAttr, makeGraph, type Graph, type Node, type Weight } from './graph.ts';

/**
 * Composite nodes → the stock TensorFlow ops that a converter would write, so that any TensorFlow.js runs them and
 * gradients flow. The last node of each group keeps the composite's name: taps and outputs stay where they were.
 * `canonicalize` is the way back.
 */
export function decompose(graph: Graph): Graph {
  if (![...graph.nodes.values()].some(({ op }) => op in compositions)) return graph;
  const nodes: Node[] = [];
  const weights: Weight[] = [...graph.weights.values()];
  const shapes = shapesOf(graph);
  const taken = new Set([...graph.nodes.keys(), ...graph.weights.keys(), ...graph.inputs.map(({ name }) => name)]);
  for (const node of graph.nodes.values()) {
    const composition = compositions[node.op];
    if (composition) composition(node, writer(node, nodes, weights, taken), shapes);
    else nodes.push(node);
  }
  return makeGraph({ ...graph, nodes, weights });
}

/** Writes the nodes of one composite: `part` gives its inner values names of their own, `last` takes the composite's. */
interface Writer {
  part(part: string, op: string, inputs: readonly string[], attrs?: Node['attrs']): string;
  last(op: string, inputs: readonly string[], attrs?: Node['attrs']): void;
  constant(part: string, value: number | readonly number[]): string;
  integer(part: string, value: number): string;
}

function writer({ name }: Node, nodes: Node[], weights: Weight[], taken: Set<string>): Writer {
  const inner = (part: string): string => {
    let free = `${name}/${part}`;
    for (let i = 1; taken.has(free); i++) free = `${name}/${part}_${i}`;
    taken.add(free);
    return free;
  };
  const integers = (part: string, shape: readonly number[], values: readonly number[]): string => {
    const weight: Weight = { name: inner(part), dtype: 'int32', shape, data: Int32Array.from(values) };
    weights.push(weight);
    return weight.name;
  };
  return {
    part(part, op, inputs, attrs = {}) {
      const node = { name: inner(part), op, inputs, attrs };
      nodes.push(node);
      return node.name;
    },
    last(op, inputs, attrs = {}) {
      nodes.push({ name, op, inputs, attrs });
    },
    /** A scalar becomes float32, a list (shapes, axes, permutations) int32. */
    constant(part, value) {
      if (typeof value !== 'number') return integers(part, [value.length], value);
      const weight: Weight = { name: inner(part), dtype: 'float32', shape: [], data: Float32Array.of(value) };
      weights.push(weight);
      return weight.name;
    },
    /** A scalar of int32. */
    integer: (part, value) => integers(part, [], [value]),
  };
}

/**
 * The shapes [batch, tokens, ...rest] as operands of Reshape. Where `tokens` is -1, TensorFlow's way of asking for it
 * while running: Shape(x) ─► StridedSlice [1] ─► Pack(-1, ·, ...rest).
 */
function tokenShapes(x: string, tokens: number, write: Writer): (part: string, rest: readonly number[]) => string {
  if (tokens !== -1) return (part, rest) => write.constant(part, [-1, tokens, ...rest]);
  const bounds = [
    write.constant('tokens/begin', [1]),
    write.constant('tokens/end', [2]),
    write.constant('tokens/strides', [1]),
  ];
  const shape = write.part('shape', 'Shape', [x]);
  const count = write.part('tokens', 'StridedSlice', [shape, ...bounds], { shrink_axis_mask: 1 });
  const batch = write.integer('batch', -1);
  return (part, rest) => {
    const sizes = rest.map((size, axis) => write.integer(`${part}/${axis + 2}`, size));
    return write.part(part, 'Pack', [batch, count, ...sizes], { axis: 0 });
  };
}

const compositions: Readonly<Record<string, (node: Node, write: Writer, shapes: Shapes) => void>> = {
  /**
   * Rows of tokens are multiplied with a matrix as one matrix: TensorFlow.js's wasm backend has a fast product for
   * matrices only. A left operand of any other rank is BatchMatMulV2 in TensorFlow; MatMul proper takes matrices only.
   */
  MatMul({ inputs, attrs }, write, shapes) {
    const { part, last, constant } = write;
    const [a, b] = inputs as [string, string];
    const [x, w] = [shapes.of(a), shapes.of(b)];
    const transposed = [attrs['transpose_a'] ?? false, attrs['transpose_b'] ?? false] as const;
    const [outputs, rowLength] = transposed[1] ? [w?.[0], w?.[1]] : [w?.[1], w?.[0]];
    if (x?.length !== 3 || w?.length !== 2 || transposed[0] || !(outputs! > 0 && rowLength! > 0)) {
      last('BatchMatMulV2', inputs, { adj_x: transposed[0], adj_y: transposed[1] });
      return;
    }
    const back = tokenShapes(a, Math.max(x[1]!, -1), write);
    const rows = part('rows', 'Reshape', [a, constant('rows/shape', [-1, rowLength!])]);
    const product = part('product', 'MatMul', [rows, b], { transpose_a: false, transpose_b: transposed[1] });
    last('Reshape', [product, back('back', [outputs!])]);
  },

  LayerNorm(node, { part, last, constant }) {
    const [x, gamma, beta] = node.inputs as [string, string, string];
    const axis = constant('axis', [-1]);
    const mean = part('mean', 'Mean', [x, axis], { keep_dims: true });
    const difference = part('difference', 'SquaredDifference', [x, mean]);
    const variance = part('variance', 'Mean', [difference, axis], { keep_dims: true });
    const shifted = part('shifted', 'AddV2', [variance, constant('epsilon', numberAttr(node, 'epsilon'))]);
    const inverse = part('inverse', 'Rsqrt', [shifted]);
    const factor = part('factor', 'Mul', [inverse, gamma]);
    const scaled = part('scaled', 'Mul', [x, factor]);
    const offset = part('offset', 'Mul', [mean, factor]);
    last('AddV2', [scaled, part('bias', 'Sub', [beta, offset])]);
  },

  Gelu(node, { part, last, constant }) {
    const [x] = node.inputs as [string];
    const half = part('half', 'Mul', [x, constant('one_half', 0.5)]);
    if (node.attrs['approximate']) {
      // 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))
      const square = part('square', 'Mul', [x, x]);
      const cube = part('cube', 'Mul', [square, x]);
      const term = part('term', 'Mul', [cube, constant('cubic', 0.044715)]);
      const sum = part('sum', 'AddV2', [x, term]);
      const tanh = part('tanh', 'Tanh', [part('inner', 'Mul', [sum, constant('slope', Math.sqrt(2 / Math.PI))])]);
      last('Mul', [half, part('gate', 'AddV2', [tanh, constant('one', 1)])]);
    } else {
      // 0.5 x (1 + erf(x / √2))
      const erf = part('erf', 'Erf', [part('inner', 'Mul', [x, constant('slope', Math.SQRT1_2)])]);
      last('Mul', [half, part('gate', 'AddV2', [erf, constant('one', 1)])]);
    }
  },

  AttentionLogits(node, write) {
    const { part, last, constant } = write;
    const [q, k] = node.inputs as [string, string];
    const shape = tokenShapes(q, numberAttr(node, 'tokens'), write);
    const split = shape('split', [numberAttr(node, 'heads'), numberAttr(node, 'depth')]);
    const order = constant('order', [0, 2, 1, 3]);
    const queries = part('queries', 'Transpose', [part('query_heads', 'Reshape', [q, split]), order]);
    const keys = part('keys', 'Transpose', [part('key_heads', 'Reshape', [k, split]), order]);
    const products = part('products', 'BatchMatMulV2', [queries, keys], { adj_x: false, adj_y: true });
    last('Mul', [products, constant('factor', numberAttr(node, 'factor'))]);
  },

  AttentionContext(node, write) {
    const { part, last, constant } = write;
    const [p, v] = node.inputs as [string, string];
    const [heads, depth] = [numberAttr(node, 'heads'), numberAttr(node, 'depth')];
    const shape = tokenShapes(v, numberAttr(node, 'tokens'), write);
    const order = constant('order', [0, 2, 1, 3]);
    const split = part('value_heads', 'Reshape', [v, shape('split', [heads, depth])]);
    const values = part('values', 'Transpose', [split, order]);
    const context = part('context', 'BatchMatMulV2', [p, values], { adj_x: false, adj_y: false });
    last('Reshape', [part('rows', 'Transpose', [context, order]), shape('merge', [heads * depth])]);
  },

  Patches(node, { part, last, constant }) {
    const [x] = node.inputs as [string];
    const [size, channels] = [numberAttr(node, 'size'), numberAttr(node, 'channels')];
    const [rows, columns] = [numberAttr(node, 'rows'), numberAttr(node, 'columns')];
    const grid = part('grid', 'Reshape', [x, constant('split', [-1, channels, rows, size, columns, size])]);
    const ordered = part('ordered', 'Transpose', [grid, constant('order', [0, 2, 4, 1, 3, 5])]);
    last('Reshape', [ordered, constant('merge', [-1, rows * columns, channels * size * size])]);
  },
};
