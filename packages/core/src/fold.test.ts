import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  asymmetric,
  balance,
  build,
  encode,
  executor,
  foldScale,
  foldShift,
  maskOf,
  reorderChannels,
  symmetric,
  withFakeQuantize,
  withMask,
  type Builder,
  type Folded,
  type Graph,
} from './index.ts';

beforeAll(() => tf.setBackend('cpu'));

const [heads, depth, tokens] = [2, 3, 4];
const channels = heads * depth;

function noise(seed: number): () => number {
  let state = Math.imul(seed, 2654435761);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** x [batch, tokens, channels] ─► `write` ─► y. */
function model(seed: number, write: (m: ReturnType<typeof parts>) => string): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, tokens, channels]);
  b.output('y', write(parts(b, x, seed)), [-1, tokens, channels]);
  return b.graph();
}

/** Layers of random weights. A third of the gains are exactly 0: their channels are constant. */
function parts(b: Builder, x: string, seed: number) {
  const next = noise(seed);
  const weight = (name: string, ...shape: number[]): string =>
    b.weight(name, shape, Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, next));
  return {
    b,
    x,
    weight,
    dense(name: string, from: string, bias = true, transposed = false): string {
      const w = weight(`${name}/w`, channels, channels);
      if (!bias) return b.node(name, 'MatMul', [from, w], transposed ? { transpose_b: true } : {});
      const product = b.node(`${name}/product`, 'MatMul', [from, w], transposed ? { transpose_b: true } : {});
      return b.node(name, 'BiasAdd', [product, weight(`${name}/b`, channels)]);
    },
    norm(name: string, from: string): string {
      const gains = Float32Array.from({ length: channels }, (_, i) => ((i + seed) % 3 === 0 ? 0 : 1 + next() / 2));
      const offsets = Float32Array.from({ length: channels }, (_, i) => ((i + seed) % 6 === 0 ? 0 : next()));
      const inputs = [
        from,
        b.weight(`${name}/gamma`, [channels], gains),
        b.weight(`${name}/beta`, [channels], offsets),
      ];
      return b.node(name, 'LayerNorm', inputs, { epsilon: 1e-5 });
    },
    attention(q: string, k: string, v: string, mask = false): string {
      const shape = { heads, depth, tokens };
      let logits = b.node('logits', 'AttentionLogits', [q, k], { ...shape, factor: 0.5 });
      if (mask) logits = b.node('masked', 'AddV2', [logits, weight('mask', tokens, tokens)]);
      return b.node('context', 'AttentionContext', [b.node('p', 'Softmax', [logits]), v], shape);
    },
  };
}

type Parts = ReturnType<typeof parts>;

const selfAttention = (m: Parts, mask = false, bias = true): string => {
  const norm = m.norm('norm', m.x);
  return m.dense(
    'out',
    m.attention(m.dense('q', norm, bias), m.dense('k', norm, bias), m.dense('v', norm, bias), mask),
  );
};

function outputOf(graph: Graph, seed: number, batch = 2): Float32Array {
  const next = noise(seed);
  const length = batch * tokens * channels;
  const data = Float32Array.from({ length }, () => 2 * next());
  const model = executor(graph);
  const y = model.run({ x: { dtype: 'float32', shape: [batch, tokens, channels], data } })[0]!;
  const values = y.dataSync<'float32'>().slice();
  y.dispose();
  model.dispose();
  return values;
}

const graphOf = (result: Folded): Graph => {
  if ('reason' in result) throw new Error(result.reason);
  return result.graph;
};

const reasonOf = (result: Folded): string => ('reason' in result ? result.reason : 'folded');

/** The largest difference, as a fraction of the largest value. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const size = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / size;
}

interface Case {
  readonly name: string;
  readonly value: string;
  readonly graph: (seed: number) => Graph;
}

const scaleCases: readonly Case[] = [
  {
    name: 'LayerNorm to its three linear layers',
    value: 'norm',
    graph: (seed) => model(seed, (m) => selfAttention(m)),
  },
  {
    name: 'attention output, through the values',
    value: 'context',
    graph: (seed) => model(seed, (m) => selfAttention(m)),
  },
  { name: 'values, through the attention', value: 'v', graph: (seed) => model(seed, (m) => selfAttention(m, true)) },
  { name: 'queries to keys', value: 'q', graph: (seed) => model(seed, (m) => selfAttention(m)) },
  {
    name: 'keys to queries, without biases',
    value: 'k',
    graph: (seed) => model(seed, (m) => selfAttention(m, true, false)),
  },
  {
    name: 'linear to linear through Relu',
    value: 'relu',
    graph: (seed) => model(seed, (m) => m.dense('b', m.b.node('relu', 'Relu', [m.dense('a', m.x)]))),
  },
  {
    name: 'before the Relu, transposed weights',
    value: 'a',
    graph: (seed) =>
      model(seed, (m) => m.dense('b', m.b.node('relu', 'LeakyRelu', [m.dense('a', m.x, true, true)]), true, true)),
  },
  {
    name: 'a constant factor and movements',
    value: 'scaled',
    graph: (seed) =>
      model(seed, (m) => {
        const scaled = m.b.node('scaled', 'Mul', [m.x, m.weight('factor')]);
        const flat = m.b.node('flat', 'Reshape', [scaled, m.b.weight('rows', [2], Int32Array.of(-1, channels))]);
        const begin = m.b.weight('begin', [2], Int32Array.of(0, 0));
        const size = m.b.weight('size', [2], Int32Array.of(-1, channels));
        const dense = m.dense('a', m.b.node('slice', 'Slice', [flat, begin, size]));
        return m.b.node('back', 'Reshape', [dense, m.b.weight('shape', [3], Int32Array.of(-1, tokens, channels))]);
      }),
  },
];

const shiftCases: readonly Case[] = [
  ...scaleCases.slice(0, 3),
  { name: 'keys, which the softmax forgets', value: 'k', graph: (seed) => model(seed, (m) => selfAttention(m, true)) },
  { name: 'layers without a bias', value: 'norm', graph: (seed) => model(seed, (m) => selfAttention(m, false, false)) },
  { name: 'values without a bias', value: 'v', graph: (seed) => model(seed, (m) => selfAttention(m, false, false)) },
  {
    name: 'linear to linear, transposed weights',
    value: 'a',
    graph: (seed) => model(seed, (m) => m.dense('b', m.dense('a', m.x, true, true), true, true)),
  },
  {
    name: 'constants that are added',
    value: 'a',
    graph: (seed) =>
      model(seed, (m) => {
        const a = m.b.node('a', 'AddV2', [m.x, m.weight('positions', 1, tokens, channels)]);
        return m.b.node('y', 'AddV2', [m.weight('more', channels), a]);
      }),
  },
];

const perChannel = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: channels, maxLength: channels });

test.each(scaleCases)('scale: $name', ({ value, graph }) => {
  fc.assert(
    fc.property(perChannel(-6, 6), fc.integer({ min: 1, max: 1e6 }), (exponents, seed) => {
      const [before, scales] = [graph(seed), exponents.map((exponent) => 2 ** exponent)];
      const after = graphOf(foldScale(before, value, scales));
      expect(relativeError(outputOf(after, seed), outputOf(before, seed))).toBeLessThan(1e-5);
      expect(after.nodes.size).toBe(before.nodes.size);
      const whole = exponents.map((exponent) => 2 ** Math.round(exponent));
      const exact = graphOf(foldScale(before, value, whole));
      if (value !== 'q' && value !== 'k') expect(outputOf(exact, seed)).toEqual(outputOf(before, seed));
    }),
    { numRuns: 25 },
  );
});

test.each(shiftCases)('shift: $name', ({ value, graph }) => {
  fc.assert(
    fc.property(perChannel(-2, 2), fc.integer({ min: 1, max: 1e6 }), (shifts, seed) => {
      const before = graph(seed);
      const after = graphOf(foldShift(before, value, shifts));
      expect(relativeError(outputOf(after, seed), outputOf(before, seed))).toBeLessThan(1e-5);
    }),
    { numRuns: 25 },
  );
});

test('the value itself is divided, or shifted', () => {
  const before = model(3, (m) => selfAttention(m));
  const shown = (graph: Graph) =>
    outputOf({ ...graph, outputs: [{ name: 'y', value: 'norm', dtype: 'float32', shape: [-1, tokens, channels] }] }, 1);
  const [scales, shifts] = [
    [1, 2, 4, 0.5, 8, 16],
    [1, -1, 0, 2, 0.5, 3],
  ];
  const expected = shown(before);
  shown(graphOf(foldScale(before, 'norm', scales!))).forEach((x, i) =>
    expect(x).toBeCloseTo(expected[i]! / scales![i % channels]!, 5),
  );
  shown(graphOf(foldShift(before, 'norm', shifts!))).forEach((x, i) =>
    expect(x).toBeCloseTo(expected[i]! - shifts![i % channels]!, 5),
  );
});

test('a scale that nothing can take gets a node of its own', () => {
  const before = model(5, (m) => m.dense('b', m.b.node('gelu', 'Gelu', [m.dense('a', m.x)], { approximate: false })));
  const scales = [1, 2, 3, 4, 0.5, 0.25];
  expect(reasonOf(foldScale(before, 'gelu', scales))).toBe('its producer "gelu" (Gelu) cannot take a scale');
  const after = graphOf(balance(before, 'gelu', scales));
  expect(after.nodes.get('gelu')).toMatchObject({ op: 'Mul', inputs: ['gelu/unbalanced', 'gelu/factor'] });
  expect(relativeError(outputOf(after, 1), outputOf(before, 1))).toBeLessThan(1e-5);
});

test('channels between two layers can stand in another order, with their masks and factors', () => {
  const order = [3, 0, 5, 1, 4, 2];
  for (const transposed of [false, true]) {
    const plain = model(5, (m) =>
      m.dense(
        'b',
        m.b.node('gelu', 'Gelu', [m.dense('a', m.x, true, transposed)], { approximate: false }),
        true,
        transposed,
      ),
    );
    const balanced = graphOf(balance(plain, 'gelu', [1, 2, 3, 4, 0.5, 0.25]));
    const keep = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % 3 === 0 ? 0 : 1));
    const before = withMask(withMask(balanced, 'a/w', keep), 'b/w', keep);
    const after = graphOf(reorderChannels(before, 'gelu', order));
    expect(relativeError(outputOf(after, 1), outputOf(before, 1))).toBeLessThan(1e-5);
    const factors = [before, after].map((graph) => graph.weights.get('gelu/factor')!.data);
    expect([...factors[1]!]).toEqual(order.map((c) => factors[0]![c]));
    expect(after.weights.get('a/w')!.data).not.toEqual(before.weights.get('a/w')!.data);
  }
  const norm = model(5, (m) => m.dense('b', m.norm('norm', m.x)));
  expect(reasonOf(reorderChannels(norm, 'norm', order))).toBe('its producer "norm" (LayerNorm) cannot take an order');
  expect(() => reorderChannels(norm, 'norm', [0, 1, 1, 3, 4, 5])).toThrow(
    'each channel once, from 0, got [0,1,1,3,4,5]',
  );
  expect(reasonOf(reorderChannels(norm, 'b', order))).toBe('"b" is an output of the model');
});

test('a weight that others read too is copied, and the input graph stays as it was', () => {
  const before = model(7, (m) => {
    const norm = m.norm('norm', m.x);
    const w = m.weight('shared', channels, channels);
    const first = m.b.node('first', 'MatMul', [norm, w]);
    return m.b.node('second', 'MatMul', [m.b.node('relu', 'Relu', [first]), w]);
  });
  const data = [...before.weights.get('shared')!.data];
  const after = graphOf(foldScale(before, 'norm', [1, 2, 3, 4, 5, 6]));
  expect(relativeError(outputOf(after, 1), outputOf(before, 1))).toBeLessThan(1e-5);
  expect([...before.weights.get('shared')!.data]).toEqual(data);
  expect([...after.weights.get('shared')!.data]).toEqual(data);
  expect(after.nodes.get('first')!.inputs[1]).not.toBe('shared');
});

test('masked weights stay masked; a shift counts what mask and quantizer leave of a weight', () => {
  const keep = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % 3 === 0 ? 0 : 1));
  const masked = withMask(
    model(9, (m) => m.dense('a', m.norm('norm', m.x))),
    'a/w',
    keep,
  );
  const shifts = [1, -1, 2, 0.5, 3, -2];
  for (const fold of [foldScale(masked, 'norm', [1, 2, 3, 4, 5, 6]), foldShift(masked, 'norm', shifts)]) {
    const after = graphOf(fold);
    expect(maskOf(after, 'a/w')).toBeDefined();
    expect(relativeError(outputOf(after, 1), outputOf(masked, 1))).toBeLessThan(1e-5);
  }
  const quantized = withFakeQuantize(masked, 'a/w', symmetric(4, [1]));
  const after = graphOf(foldShift(quantized, 'norm', shifts));
  expect(relativeError(outputOf(after, 1), outputOf(quantized, 1))).toBeLessThan(1e-5);
  expect(reasonOf(foldScale(quantized, 'norm', [1, 2, 3, 4, 5, 6]))).toBe('"a/w" is quantized already');
});

test('what the algebra does not allow, or would break a promise, has its reason', () => {
  const graph = model(1, (m) => {
    const norm = m.norm('norm', m.x);
    return m.b.node('sum', 'AddV2', [m.dense('a', m.b.node('gelu', 'Gelu', [m.dense('g', norm)])), norm]);
  });
  const ones = new Array<number>(channels).fill(2);
  expect(reasonOf(foldScale(graph, 'norm', ones))).toBe('its consumer "sum" (AddV2) cannot make up for a scale');
  expect(reasonOf(foldScale(graph, 'g', ones))).toBe('its consumer "gelu" (Gelu) cannot make up for a scale');
  expect(reasonOf(foldShift(graph, 'sum', ones))).toBe('its producer "sum" (AddV2) cannot take a shift');
  expect(reasonOf(foldScale(graph, 'x', ones))).toBe('"x" is no node that could take a scale');
  const attention = model(1, (m) => selfAttention(m));
  expect(reasonOf(foldShift(attention, 'q', ones))).toBe(
    'its consumer "logits" (AttentionLogits) cannot make up for a shift',
  );
  expect(reasonOf(foldScale(attention, 'out', ones))).toBe('"out" is an output of the model');
  const quantized = withFakeQuantize(attention, 'norm', asymmetric(8, -1, 1));
  expect(reasonOf(foldScale(quantized, 'norm', ones))).toBe('"norm" is quantized already');
  const probabilities = withFakeQuantize(attention, 'p', asymmetric(8, 0, 1));
  expect(reasonOf(foldShift(probabilities, 'context', ones))).toMatch(/AttentionContext\) cannot take a shift/);
  expect(() => foldScale(attention, 'norm', [1, 0, 1, 1, 1, 1])).toThrow('a scale must be positive and finite, got 0');
  expect(() => foldScale(attention, 'norm', [1, 2])).toThrow(/needs 6 numbers, got 2/);
});

// Golden G11: quantizers per channel become one per tensor by a shift and a scale; codes and outputs stay.
test('golden: scale re-parameterisation', () => {
  const [s, z] = [
    [0.02, 0.08, 0.04],
    [120, 130, 128],
  ];
  const b = build();
  const x = b.input('x', 'float32', [-1, 3]);
  const gamma = b.weight('gamma', [3], Float32Array.of(1, 2, 0.5));
  const beta = b.weight('beta', [3], Float32Array.of(0.1, -0.2, 0.3));
  const norm = b.node('norm', 'LayerNorm', [x, gamma, beta], { epsilon: 1e-6 });
  // Rows are inputs.
  const product = b.node('product', 'MatMul', [norm, b.weight('w', [3, 2], Float32Array.of(1, -1, 2, 0.5, 3, 2))]);
  b.output('y', b.node('sum', 'BiasAdd', [product, b.weight('b', [2], Float32Array.of(0.5, -0.5))]), [-1, 2]);
  const before = b.graph();

  const [step, zero] = [s!.reduce((a, c) => a + c, 0) / 3, z!.reduce((a, c) => a + c, 0) / 3];
  const [r1, r2] = [s!.map((scale) => scale / step), z!.map((point) => point - zero)];
  const shiftedGraph = graphOf(
    foldShift(
      before,
      'norm',
      s!.map((scale, c) => -scale * r2[c]!),
    ),
  );
  const after = graphOf(foldScale(shiftedGraph, 'norm', r1));
  const close = (name: string, expected: number[]) =>
    expected.forEach((value, i) => expect(after.weights.get(name)!.data[i]).toBeCloseTo(value, 5));
  close('gamma', [2.333333, 1.166667, 0.583333]);
  close('beta', [-0.046667, 0.07, 0.443333]);
  close('b', [-0.26, -0.94]);

  const run = (graph: Graph, value: string) => {
    const loaded = executor(graph);
    const data = Float32Array.of(0.3, -1, 2, 4, 1, 0);
    const [y] = loaded.run({ x: { dtype: 'float32', shape: [2, 3], data } }, [value]);
    const values = [...y!.dataSync<'float32'>()];
    y!.dispose();
    loaded.dispose();
    return values;
  };
  run(after, 'y').forEach((value, i) => expect(value).toBeCloseTo(run(before, 'y')[i]!, 5));
  const codes = (values: number[], scale: (c: number) => number, point: (c: number) => number) =>
    values.map((value, i) => Math.round(value / scale(i % 3)) + point(i % 3));
  expect(
    codes(
      run(after, 'norm'),
      () => step,
      () => zero,
    ),
  ).toEqual(
    codes(
      run(before, 'norm'),
      (c) => s![c]!,
      (c) => z![c]!,
    ),
  );
});

// Golden G23. Rows are inputs.
test('golden: the fold of attention outputs into the value projection', () => {
  const b = build();
  const p = b.input('p', 'float32', [-1, 1, 2, 2]);
  const x = b.input('x', 'float32', [-1, 2, 2]);
  const values = b.node('values', 'MatMul', [x, b.weight('wv', [2, 2], Float32Array.of(1, -1, 0.5, 2))]);
  const v = b.node('v', 'BiasAdd', [values, b.weight('bv', [2], Float32Array.of(0.1, -0.2))]);
  const context = b.node('context', 'AttentionContext', [p, v], { heads: 1, depth: 2, tokens: 2 });
  b.output('y', b.node('out', 'MatMul', [context, b.weight('wo', [2, 2], Float32Array.of(1, 0.5, 2, -1))]), [-1, 2, 2]);
  const before = b.graph();
  const after = graphOf(foldScale(before, 'context', [2, 0.5]));
  for (const [graph, expected] of [
    [before, [2.35, -1.2, 2.5, -3.6]],
    [after, [1.175, -2.4, 1.25, -7.2]],
  ] as const) {
    const loaded = executor(graph);
    const [c, y] = loaded.run(
      {
        p: { dtype: 'float32', shape: [1, 1, 2, 2], data: Float32Array.of(0.5, 0.5, 0.2, 0.8) },
        x: { dtype: 'float32', shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, -1) },
      },
      ['context', 'y'],
    );
    expected.forEach((value, i) => expect(c!.dataSync()[i]).toBeCloseTo(value, 5));
    [-0.05, 2.375, -4.7, 4.85].forEach((value, i) => expect(y!.dataSync()[i]).toBeCloseTo(value, 5));
    tf.dispose([c!, y!]);
    loaded.dispose();
  }
});

test('powers of two leave the codes of a folded weight alone', () => {
  const before = model(2, (m) => selfAttention(m));
  const after = graphOf(foldScale(before, 'norm', [1, 2, 4, 8, 2, 1]));
  const codes = (graph: Graph, factor: number) =>
    encode(
      graph.weights.get('q/w')!.data.slice(channels, 2 * channels) as Float32Array,
      [channels],
      symmetric(8, [factor]),
    );
  expect(codes(after, 2)).toEqual(codes(before, 1));
});
