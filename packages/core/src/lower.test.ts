import '@tensorflow/tfjs-backend-cpu';
import {
  asymmetric,
  build,
  executor,
  lower,
  raise,
  symmetric,
  unsigned,
  withFakeQuantize,
  withMask,
  type ArrayTensor,
  type Builder,
  type Graph,
  type Quantizer,
} from './index.ts';

/** Values in [-1, 1) that look random and are the same every time. */
function noise(count: number, seed: number): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

const weight = (b: Builder, name: string, ...shape: number[]): string =>
  b.weight(
    name,
    shape,
    noise(
      shape.reduce((product, size) => product * size, 1),
      name.length,
    ),
  );

const annotate = (graph: Graph, quantizers: Readonly<Record<string, Quantizer>>): Graph =>
  Object.entries(quantizers).reduce((next, [value, quantizer]) => withFakeQuantize(next, value, quantizer), graph);

interface Case {
  readonly name: string;
  /** Output `y` shows a value with a quantizer of this scale. */
  readonly step: number;
  readonly input: readonly number[];
  /** Inputs beside `x`, or in its place. */
  readonly inputs?: Readonly<Record<string, ArrayTensor>>;
  readonly ops: readonly string[];
  graph(): Graph;
}

/** x ─► linear layer ─► Gelu ─► Mul by a factor per channel ─► y */
function balancedGelu(factors: readonly number[]): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 16]);
  const product = b.node('product', 'MatMul', [x, weight(b, 'w', 16, 32)]);
  const sum = b.node('sum', 'BiasAdd', [product, weight(b, 'b', 32)]);
  const gelu = b.node('gelu', 'Gelu', [sum], { approximate: false });
  const factor = b.weight('factor', [32], Float32Array.from(factors));
  b.output('y', b.node('balanced', 'Mul', [gelu, factor]), [-1, 32]);
  return annotate(b.graph(), {
    ...{ x: symmetric(8, [1]), w: symmetric(8, [1]), sum: symmetric(12, [4]) },
    balanced: asymmetric(8, -0.2, 2),
  });
}

const cases: readonly Case[] = [
  {
    name: 'a linear layer',
    step: 8 / 255,
    input: [50, 19],
    ops: ['CqQuantize', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 19]);
      const product = b.node('product', 'MatMul', [x, weight(b, 'w', 19, 10)]);
      b.output('y', b.node('sum', 'BiasAdd', [product, weight(b, 'b', 10)]), [-1, 10]);
      const clips = Array.from({ length: 10 }, (_, n) => 1 + n / 10);
      return annotate(b.graph(), { x: asymmetric(8, -0.4, 1), w: symmetric(8, clips, 1), sum: asymmetric(8, -5, 3) });
    },
  },
  {
    name: 'a linear layer with a masked 4-bit weight and no bias',
    step: 3.7 / 127,
    input: [100, 8],
    ops: ['CqQuantize', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 8]);
      b.output('y', b.node('product', 'MatMul', [x, weight(b, 'w', 8, 6)]), [-1, 6]);
      const masked = withMask(
        b.graph(),
        'w',
        Float32Array.from({ length: 48 }, (_, i) => i % 2),
      );
      return annotate(masked, { x: symmetric(8, [1]), w: symmetric(4, [1]), product: symmetric(8, [3.7]) });
    },
  },
  {
    name: 'a linear layer with GELU',
    step: 2.2 / 255,
    input: [40, 16],
    ops: ['CqQuantize', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 16]);
      const product = b.node('product', 'MatMul', [x, weight(b, 'w', 16, 12)]);
      const sum = b.node('sum', 'BiasAdd', [product, weight(b, 'b', 12)]);
      b.output('y', b.node('gelu', 'Gelu', [sum], { approximate: false }), [-1, 12]);
      return annotate(b.graph(), {
        x: symmetric(8, [1]),
        w: symmetric(8, [1]),
        sum: symmetric(12, [4]),
        gelu: asymmetric(8, -0.2, 2),
      });
    },
  },
  {
    name: 'a linear layer with GELU whose channels are balanced',
    step: 2.2 / 255,
    input: [40, 16],
    ops: ['CqQuantize', 'CqLinear', 'CqDequantize'],
    graph: () => balancedGelu(Array.from({ length: 32 }, (_, n) => (n < 16 ? 0.6 : 1.7))),
  },
  {
    name: 'a branch and its residual',
    step: 128 / 32767,
    input: [20, 4, 8],
    ops: ['CqQuantize', 'CqLayerNorm', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 4, 8]);
      const norm = b.node('norm', 'LayerNorm', [x, weight(b, 'gamma', 8), weight(b, 'beta', 8)], { epsilon: 1e-6 });
      const product = b.node('product', 'MatMul', [norm, weight(b, 'w', 8, 8)]);
      const sum = b.node('sum', 'BiasAdd', [product, weight(b, 'b', 8)]);
      b.output('y', b.node('residual', 'AddV2', [sum, x]), [-1, 4, 8]);
      return annotate(b.graph(), {
        x: symmetric(16, [1]),
        norm: asymmetric(8, -3, 2),
        w: symmetric(8, [1]),
        residual: symmetric(16, [128]),
      });
    },
  },
  {
    name: 'attention',
    step: 1 / 127,
    input: [10, 9, 8],
    ops: ['CqQuantize', 'CqAttention', 'CqDequantize'],
    graph() {
      const b = build();
      const shape = { heads: 2, depth: 4, tokens: 9 };
      const x = b.input('x', 'float32', [-1, 9, 8]);
      const logits = b.node('logits', 'AttentionLogits', [x, x], { ...shape, factor: 0.5 });
      const softmax = b.node('softmax', 'Softmax', [logits]);
      b.output('y', b.node('context', 'AttentionContext', [softmax, x], shape), [-1, 9, 8]);
      return annotate(b.graph(), {
        x: symmetric(8, [1]),
        logits: symmetric(8, [2]),
        softmax: unsigned(8, 1),
        context: symmetric(8, [1]),
      });
    },
  },
  {
    name: 'attention under a padding mask, any number of tokens',
    step: 1 / 127,
    input: [3, 9, 8],
    inputs: {
      mask: {
        dtype: 'int32',
        shape: [3, 9],
        data: Int32Array.from({ length: 27 }, (_, i) => Number(i % 9 < 4 + i / 9)),
      },
    },
    ops: ['CqQuantize', 'CqAttention', 'CqDequantize'],
    graph() {
      const b = build();
      const shape = { heads: 2, depth: 4, tokens: -1 };
      const x = b.input('x', 'float32', [-1, -1, 8]);
      const mask = b.input('mask', 'int32', [-1, -1]);
      const cast = b.node('cast', 'Cast', [mask], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } });
      const dropped = b.node('dropped', 'Sub', [b.weight('one', [], Float32Array.of(1)), cast]);
      const bias = b.node('bias', 'Mul', [dropped, b.weight('masked', [], Float32Array.of(-10_000))]);
      const axis = b.weight('axis', [], Int32Array.of(1));
      const wide = b.node('wide', 'ExpandDims', [b.node('queries', 'ExpandDims', [bias, axis]), axis]);
      const logits = b.node('logits', 'AttentionLogits', [x, x], { ...shape, factor: 0.5 });
      const softmax = b.node('softmax', 'Softmax', [b.node('sum', 'AddV2', [logits, wide])]);
      b.output('y', b.node('context', 'AttentionContext', [softmax, x], shape), [-1, -1, 8]);
      return annotate(b.graph(), {
        x: symmetric(8, [1]),
        logits: symmetric(8, [2]),
        softmax: unsigned(8, 1),
        context: symmetric(8, [1]),
      });
    },
  },
  {
    name: 'an embedding, and its table again as a transposed weight',
    step: 4 / 127,
    input: [2, 5],
    inputs: { x: { dtype: 'int32', shape: [2, 5], data: Int32Array.of(0, 6, 3, 3, 1, 2, 0, 5, 4, 6) } },
    ops: ['CqEmbedding', 'CqQuantize', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const ids = b.input('x', 'int32', [-1, -1]);
      const table = weight(b, 'table', 7, 8);
      const rows = b.node('rows', 'GatherV2', [table, ids, b.weight('axis', [], Int32Array.of(0))]);
      b.output('y', b.node('product', 'MatMul', [rows, table], { transpose_b: true }), [-1, -1, 7]);
      const clips = Array.from({ length: 7 }, (_, row) => 1 + row / 10);
      return annotate(b.graph(), {
        table: symmetric(8, clips, 0),
        rows: asymmetric(8, -1, 1),
        product: symmetric(8, [4]),
      });
    },
  },
  {
    name: 'patches between a class token and detection tokens',
    step: 64 / 32767,
    input: [40, 3, 8, 4],
    ops: ['CqQuantize', 'CqPatchEmbed', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 3, 8, 4]);
      const patches = b.node('patches', 'Patches', [x], { size: 4, channels: 3, rows: 2, columns: 1 });
      const product = b.node('product', 'MatMul', [patches, weight(b, 'w', 48, 5)]);
      const sum = b.node('sum', 'BiasAdd', [product, weight(b, 'b', 5)]);
      const pad = b.node('pad', 'Pad', [sum, b.weight('paddings', [3, 2], Int32Array.of(0, 0, 1, 2, 0, 0))]);
      b.output('y', b.node('tokens', 'AddV2', [pad, weight(b, 'positions', 1, 5, 5)]), [-1, 5, 5]);
      return annotate(b.graph(), { x: asymmetric(8, -1, 0.8), w: symmetric(8, [1]), tokens: symmetric(16, [64]) });
    },
  },
  {
    name: 'attention with position biases in windows that are shifted',
    step: 1 / 127,
    input: [6, 9, 8],
    ops: ['CqQuantize', 'CqAttention', 'CqDequantize'],
    graph() {
      const b = build();
      const shape = { heads: 2, depth: 4, tokens: 9 };
      const x = b.input('x', 'float32', [-1, 9, 8]);
      const logits = b.node('logits', 'AttentionLogits', [x, x], { ...shape, factor: 0.5 });
      const placed = b.node('placed', 'AddV2', [logits, weight(b, 'bias', 2, 9, 9)]);
      const list = (name: string, values: number[]) => b.weight(name, [values.length], Int32Array.from(values));
      const split = b.node('split', 'Reshape', [placed, list('apart', [-1, 3, 2, 9, 9])]);
      const mask = Float32Array.from({ length: 243 }, (_, i) => (i % 9 === Math.floor(i / 9) % 9 || i % 2 ? 0 : -100));
      const sum = b.node('sum', 'AddV2', [split, b.weight('mask', [3, 1, 9, 9], mask)]);
      const softmax = b.node('softmax', 'Softmax', [b.node('masked', 'Reshape', [sum, list('joined', [-1, 2, 9, 9])])]);
      b.output('y', b.node('context', 'AttentionContext', [softmax, x], shape), [-1, 9, 8]);
      return annotate(b.graph(), {
        x: symmetric(8, [1]),
        placed: symmetric(8, [3]),
        softmax: unsigned(8, 1),
        context: symmetric(8, [1]),
      });
    },
  },
  {
    name: 'values that are rolled, cut into windows and padded between two layers',
    step: 8 / 127,
    input: [3, 12, 4],
    ops: [
      ...[
        'CqQuantize',
        'CqLayerNorm',
        'Reshape',
        'Pad',
        'Slice',
        'Slice',
        'ConcatV2',
        'Reshape',
        'Transpose',
        'Reshape',
      ],
      ...['CqLinear', 'CqDequantize'],
    ],
    graph() {
      const b = build();
      const list = (name: string, ...values: number[]) => b.weight(name, [values.length], Int32Array.from(values));
      const x = b.input('x', 'float32', [-1, 12, 4]);
      const norm = b.node('norm', 'LayerNorm', [x, weight(b, 'gamma', 4), weight(b, 'beta', 4)], { epsilon: 1e-6 });
      const picture = b.node('picture', 'Reshape', [norm, list('sides', -1, 4, 3, 4)]);
      const paddings = b.weight('paddings', [4, 2], Int32Array.of(0, 0, 0, 0, 0, 1, 0, 0));
      const padded = b.node('padded', 'Pad', [picture, paddings]);
      const behind = b.node('behind', 'Slice', [padded, list('from', 0, 1, 0, 0), list('all', -1, -1, -1, -1)]);
      const front = b.node('front', 'Slice', [padded, list('zero', 0, 0, 0, 0), list('one', -1, 1, -1, -1)]);
      const rolled = b.node('rolled', 'ConcatV2', [behind, front, b.weight('axis', [], Int32Array.of(1))]);
      const split = b.node('split', 'Reshape', [rolled, list('sixfold', -1, 2, 2, 2, 2, 4)]);
      const turned = b.node('turned', 'Transpose', [split, list('order', 0, 1, 3, 2, 4, 5)]);
      const windows = b.node('windows', 'Reshape', [turned, list('cut', -1, 4, 4)]);
      b.output('y', b.node('product', 'MatMul', [windows, weight(b, 'w', 4, 5)]), [-1, 4, 5]);
      return annotate(b.graph(), {
        x: symmetric(16, [1]),
        norm: symmetric(8, [3]),
        w: symmetric(8, [1]),
        product: symmetric(8, [8]),
      });
    },
  },
  {
    name: 'what two layers give, joined, with one quantizer behind',
    step: 8 / 255,
    input: [20, 6],
    ops: ['CqQuantize', 'CqLinear', 'Reshape', 'CqLinear', 'ConcatV2', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 6]);
      const [first, second] = ['w', 'other w'].map((name) =>
        b.node(`by ${name}`, 'MatMul', [x, weight(b, name, 6, 4)]),
      );
      const again = b.node('again', 'Reshape', [second!, b.weight('rows', [2], Int32Array.of(-1, 4))]);
      const joined = b.node('joined', 'ConcatV2', [first!, again, b.weight('axis', [], Int32Array.of(1))]);
      b.output('y', b.node('product', 'MatMul', [joined, weight(b, 'last w', 8, 3)]), [-1, 3]);
      return annotate(b.graph(), {
        x: symmetric(8, [1]),
        w: symmetric(8, [1]),
        'other w': symmetric(8, [1]),
        joined: asymmetric(8, -2, 3),
        'last w': symmetric(8, [1]),
        product: asymmetric(8, -5, 3),
      });
    },
  },
  {
    name: 'a constant that is added to the stream',
    step: 8 / 32767,
    input: [20, 4, 8],
    ops: ['CqQuantize', 'CqAdd', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 4, 8]);
      b.output('y', b.node('sum', 'AddV2', [weight(b, 'positions', 1, 4, 8), x]), [-1, 4, 8]);
      return annotate(b.graph(), { x: symmetric(16, [1]), sum: symmetric(16, [8]) });
    },
  },
  {
    name: 'a mean over tokens',
    step: 1 / 255,
    input: [20, 5, 8],
    ops: ['CqQuantize', 'Transpose', 'CqLinear', 'Reshape', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 5, 8]);
      const axis = b.weight('axis', [1], Int32Array.of(1));
      b.output('y', b.node('mean', 'Mean', [x, axis], { keep_dims: false }), [-1, 8]);
      return annotate(b.graph(), { x: asymmetric(8, -1, 0.9), mean: asymmetric(8, -0.6, 0.4) });
    },
  },
  {
    name: 'a linear layer whose output stays float',
    step: 2 / 255 / 127, // One unit of the accumulator, to which the bias is rounded.
    input: [50, 19],
    ops: ['CqQuantize', 'CqLinear', 'CqDequantize'],
    graph() {
      const b = build();
      const x = b.input('x', 'float32', [-1, 19]);
      const product = b.node('product', 'MatMul', [x, weight(b, 'w', 19, 10)]);
      b.output('y', b.node('sum', 'BiasAdd', [product, weight(b, 'b', 10)]), [-1, 10]);
      return annotate(b.graph(), { x: asymmetric(8, -1, 1), w: symmetric(8, [1]) });
    },
  },
];

function outputOf(graph: Graph, shape: readonly number[], inputs: Case['inputs'] = {}): Float32Array {
  const model = executor(graph);
  const size = shape.reduce((product, length) => product * length, 1);
  const [tensor] = model.run({ x: { dtype: 'float32', shape, data: noise(size, 7) }, ...inputs });
  const values = tensor!.dataSync().slice() as Float32Array;
  tensor!.dispose();
  model.dispose();
  return values;
}

describe.each(cases)('$name', ({ graph, step, input, inputs, ops }) => {
  const annotated = graph();
  const { graph: lowered, left } = lower(annotated);

  test('lowers to integer nodes, nothing but the output left in float', () => {
    expect([...lowered.nodes.values()].map(({ op }) => op)).toEqual(ops);
    expect(left.map(({ reason }) => reason)).toEqual(['it is an output of the model']);
  });

  test('gives the simulated values, never more than one step apart', () => {
    const [simulated, integer] = [annotated, lowered].map((each) => outputOf(each, input, inputs)) as [
      Float32Array,
      Float32Array,
    ];
    const apart = simulated.map((value, i) => Math.abs(value - integer[i]!) / step);
    expect(Math.max(...apart)).toBeLessThan(1.01);
    expect(apart.filter((steps) => steps > 0.5).length / apart.length).toBeLessThan(0.02);
  });

  test('raised again, gives the same values', () => {
    const [raised, integer] = [raise(lowered), lowered].map((each) => outputOf(each, input, inputs)) as [
      Float32Array,
      Float32Array,
    ];
    const apart = raised.map((value, i) => Math.abs(value - integer[i]!) / step);
    expect(Math.max(...apart)).toBeLessThan(1.01);
  });
});

test('what has no quantizer stays float, with the reason, and codes turn into floats where it reads them', () => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 4]);
  const product = b.node('product', 'MatMul', [x, weight(b, 'w', 4, 4)]);
  b.output('y', b.node('second', 'MatMul', [product, weight(b, 'w2', 4, 4)]), [-1, 4]);
  const graph = annotate(b.graph(), { x: symmetric(8, [1]), w: symmetric(8, [1]), product: symmetric(8, [4]) });
  const { graph: lowered, left } = lower(graph);
  expect([...lowered.nodes.values()].map(({ op }) => op)).toEqual(['CqQuantize', 'CqLinear', 'CqDequantize', 'MatMul']);
  expect(left).toEqual([{ value: 'second', reason: 'it is an output of the model' }]);
});

test('balanced channels take a table for each factor; factors that eight neighbours do not share stay float', () => {
  const tables = (factors: readonly number[]): number => {
    const { graph } = lower(balancedGelu(factors));
    const linear = [...graph.nodes.values()].find(({ op }) => op === 'CqLinear')!;
    return graph.weights.get(linear.inputs[4]!)!.data.length / 2 ** 12;
  };
  expect(tables(Array.from({ length: 32 }, () => 0.5))).toBe(1);
  expect(tables(Array.from({ length: 32 }, (_, n) => 1 + Math.floor(n / 16)))).toBe(2);
  expect(tables(Array.from({ length: 32 }, (_, n) => (n < 8 ? 1 : 2)))).toBe(4);
  const { left } = lower(balancedGelu(Array.from({ length: 32 }, (_, n) => (n < 4 ? 1 : 2))));
  expect(left.map(({ reason }) => reason)).toContain('its factors are not those of 8, 16, … outputs side by side');
});

test('constants that are alike are stored once', () => {
  const b = build();
  const shape = { heads: 2, depth: 4, tokens: 5 };
  const quantizers: Record<string, Quantizer> = { x: symmetric(8, [1]) };
  let x = b.input('x', 'float32', [-1, 5, 8]);
  for (const layer of ['first', 'second']) {
    const logits = b.node(`${layer} logits`, 'AttentionLogits', [x, x], { ...shape, factor: 0.5 });
    x = b.node(layer, 'AttentionContext', [b.node(`${layer} softmax`, 'Softmax', [logits]), x], shape);
    quantizers[`${layer} logits`] = symmetric(8, [2]);
    quantizers[`${layer} softmax`] = unsigned(8, 1);
    quantizers[layer] = symmetric(8, [1]);
  }
  b.output('y', x, [-1, 5, 8]);
  const { graph } = lower(annotate(b.graph(), quantizers));
  expect([...graph.weights.keys()]).toEqual(['first/exponentials', 'first/levels', 'second/quantize/dequantize/scale']);
});

test('an accumulator that could overflow is refused with the number', () => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 140_000]);
  b.output(
    'y',
    b.node('product', 'MatMul', [x, b.weight('w', [140_000, 1], new Float32Array(140_000).fill(1))]),
    [-1, 1],
  );
  const graph = annotate(b.graph(), { x: symmetric(8, [1]), w: symmetric(8, [1]), product: symmetric(8, [4]) });
  expect(() => lower(graph)).toThrow(/^lower: "product": an integer sum fits in 31 bits, got 2275840000$/);
});
