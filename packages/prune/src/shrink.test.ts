import '@tensorflow/tfjs-backend-cpu';
import {
  build,
  compress,
  executor,
  quantizerOf,
  randomOf,
  symmetric,
  withFakeQuantize,
  withMask,
  type Builder,
  type Graph,
} from '@cq/core';
import { setBackend } from '@tensorflow/tfjs-core';
import { shrink } from './shrink.ts';

beforeAll(() => setBackend('cpu'));

const epsilon = Math.fround(1e-5);
const [tokens, hidden, channels, heads, depth] = [3, 4, 6, 2, 3];

/** x [batch, tokens, hidden] ─► norm ─► branch ─► AddV2 ◄── x */
function model(branch: (parts: ReturnType<typeof partsOf>, x: string) => string): Graph {
  const parts = partsOf(build());
  const { b, weight } = parts;
  const x = b.input('x', 'float32', [-1, tokens, hidden]);
  const norm = b.node('norm', 'LayerNorm', [x, weight('gamma', hidden), weight('beta', hidden)], { epsilon });
  b.output('y', b.node('y', 'AddV2', [branch(parts, norm), x]), [-1, tokens, hidden]);
  return b.graph();
}

function partsOf(b: Builder) {
  const random = randomOf(7);
  const weight = (name: string, ...shape: number[]): string => {
    const size = shape.reduce((product, length) => product * length, 1);
    return b.weight(
      name,
      shape,
      Float32Array.from({ length: size }, () => 2 * random.uniform() - 1),
    );
  };
  const dense = (name: string, x: string, inputs: number, outputs: number, { bias = true, turned = false } = {}) => {
    const w = weight(`${name}/w`, ...(turned ? [outputs, inputs] : [inputs, outputs]));
    const product = b.node(`${name}/product`, 'MatMul', [x, w], turned ? { transpose_b: true } : {});
    return bias ? b.node(name, 'BiasAdd', [product, weight(`${name}/b`, outputs)]) : product;
  };
  return { b, weight, dense };
}

/** Masks the rows of the given units in the weight that reads them. */
function drop(graph: Graph, name: string, units: number, dropped: readonly number[], turned = false): Graph {
  const { shape, data } = graph.weights.get(name)!;
  const inputs = shape[turned ? 1 : 0]!;
  const mask = Float32Array.from(data, (_, entry) => {
    const input = turned ? entry % inputs : Math.floor(entry / shape[1]!);
    return Number(!dropped.includes(Math.floor((input * units) / inputs)));
  });
  return withMask(graph, name, mask);
}

function y(graph: Graph): Float32Array {
  const random = randomOf(3);
  const data = Float32Array.from({ length: 2 * tokens * hidden }, () => 2 * random.uniform() - 1);
  const loaded = executor(graph);
  const [result] = loaded.run({ x: { dtype: 'float32', shape: [2, tokens, hidden], data } });
  const values = result!.dataSync<'float32'>().slice();
  result!.dispose();
  loaded.dispose();
  return values;
}

/** The cpu backend sums in order and in float64, so that leaving out zeros changes no bit. */
async function shrunk(masked: Graph): Promise<Graph> {
  const { graph } = await compress(masked, [shrink()]);
  expect(y(graph)).toEqual(y(masked));
  return graph;
}

async function reason(masked: Graph): Promise<string> {
  const { graph, report } = await compress(masked, [shrink()]);
  expect(graph).toBe(masked);
  return report.passes[0]!.skipped[0]!.reason;
}

const shape = (graph: Graph, name: string): readonly number[] => graph.weights.get(name)!.shape;

const plain = (options?: { bias?: boolean; turned?: boolean }): Graph =>
  model(({ b, dense }, x) => {
    const up = dense('up', x, hidden, channels, options);
    return dense('down', b.node('act', 'Gelu', [up], { approximate: false }), channels, hidden, options);
  });

test('an MLP loses the channels of which nothing is read', async () => {
  const graph = await shrunk(drop(plain(), 'down/w', channels, [0, 3]));
  expect([shape(graph, 'up/w'), shape(graph, 'up/b'), shape(graph, 'down/w')]).toEqual([[hidden, 4], [4], [4, hidden]]);
  expect([...graph.nodes.values()].map(({ op }) => op)).not.toContain('CqMask');
});

test('so it does with matrices that lie the other way round, and without biases', async () => {
  // Without a mask of its own, canonical form would turn it round.
  const sparse = withMask(plain({ turned: true }), 'up/w', Float32Array.of(0, ...new Array(23).fill(1)));
  const turned = await shrunk(drop(sparse, 'down/w', channels, [5], true));
  expect([shape(turned, 'up/w'), shape(turned, 'down/w')]).toEqual([
    [5, hidden],
    [hidden, 5],
  ]);
  const bare = await shrunk(drop(plain({ bias: false }), 'down/w', channels, [1, 2]));
  expect(shape(bare, 'up/w')).toEqual([hidden, 4]);
});

test('a gated MLP loses them on both of its ways, and a factor per channel does too', async () => {
  const gated = model(({ b, weight, dense }, x) => {
    const gate = dense('gate', x, hidden, channels);
    const silu = b.node('silu', 'Mul', [gate, b.node('sigmoid', 'Sigmoid', [gate])]);
    const product = b.node('product', 'Mul', [silu, dense('up', x, hidden, channels)]);
    return dense('down', b.node('balanced', 'Mul', [product, weight('factor', channels)]), channels, hidden);
  });
  const graph = await shrunk(drop(gated, 'down/w', channels, [0, 1, 5]));
  for (const name of ['gate/w', 'up/w']) expect(shape(graph, name)).toEqual([hidden, 3]);
  for (const name of ['gate/b', 'up/b', 'factor']) expect(shape(graph, name)).toEqual([3]);
});

const attention = (add?: (parts: ReturnType<typeof partsOf>, logits: string) => string): Graph =>
  model((parts, x) => {
    const { b, dense } = parts;
    const attrs = { heads, depth, tokens };
    const [q, k, v] = ['q', 'k', 'v'].map((name) => dense(name, x, hidden, heads * depth)) as [string, string, string];
    const logits = b.node('logits', 'AttentionLogits', [q, k], { ...attrs, factor: 0.5 });
    const softmax = b.node('softmax', 'Softmax', [add?.(parts, logits) ?? logits]);
    return dense('o', b.node('context', 'AttentionContext', [softmax, v], attrs), heads * depth, hidden);
  });

test('an attention loses heads, and a bias of its logits those of the head', async () => {
  const biased = attention(({ b, weight }, logits) =>
    b.node('biased', 'AddV2', [logits, weight('positions', heads, tokens, tokens)]),
  );
  const graph = await shrunk(drop(biased, 'o/w', heads, [0]));
  for (const name of ['q', 'k', 'v']) expect(shape(graph, `${name}/w`)).toEqual([hidden, depth]);
  expect(shape(graph, 'o/w')).toEqual([depth, hidden]);
  expect(shape(graph, 'positions')).toEqual([1, tokens, tokens]);
  expect(['logits', 'context'].map((name) => graph.nodes.get(name)!.attrs['heads'])).toEqual([1, 1]);
});

test('quantizers keep the scales of what is left', async () => {
  let masked = drop(plain(), 'down/w', channels, [0, 3]);
  const scales = [0.2, 0.4, 0.6, 0.8, 1, 1.2] as const;
  masked = withFakeQuantize(masked, 'up/w', symmetric(8, scales, 1));
  masked = withFakeQuantize(masked, 'act', symmetric(8, scales, 2));
  masked = withFakeQuantize(masked, 'down/w', symmetric(8, [1, 2, 3, 4], 1));
  const graph = await shrunk(masked);
  const left = symmetric(8, [0.4, 0.6, 1, 1.2]);
  expect(quantizerOf(graph, 'up/w')).toEqual({ ...left, axis: 1 });
  expect(quantizerOf(graph, 'act')).toEqual({ ...left, axis: 2 });
  expect(quantizerOf(graph, 'down/w')).toEqual(quantizerOf(masked, 'down/w'));
});

test('groups of inputs that share a scale are cut if they end where units do', async () => {
  const grouped = (group: number): Graph => {
    const masked = drop(attention(), 'o/w', heads, [1]);
    const max = Array.from({ length: (hidden * heads * depth) / group }, (_, i) => 1 + i);
    return withFakeQuantize(masked, 'o/w', { ...symmetric(8, max, 1), group });
  };
  const graph = await shrunk(grouped(depth));
  expect(quantizerOf(graph, 'o/w')).toMatchObject(symmetric(8, [1, 3, 5, 7], 1));
  expect(await reason(grouped(2))).toBe('groups of "o/w" that share a scale do not end where its units do');
});

test('where a row finds its scale while running, a channel goes if it is 0 too', async () => {
  const dynamic = withFakeQuantize(drop(plain(), 'down/w', channels, [0, 3]), 'act', { kind: 'dynamic', bits: 8 });
  expect(await reason(dynamic)).toBe('no unit of it is masked as a whole');
  const columns = Float32Array.from({ length: hidden * channels }, (_, entry) => Number(entry % 3 !== 0));
  const zero = withMask(withMask(dynamic, 'up/w', columns), 'up/b', columns.slice(0, channels));
  expect(shape(await shrunk(zero), 'up/w')).toEqual([hidden, 4]);
});

test('a branch that is masked as a whole leaves its bias', async () => {
  const graph = await shrunk(drop(plain(), 'down/w', 1, [0]));
  expect([...graph.nodes.values()].map(({ op }) => op)).toEqual(['BiasAdd']);
  expect(graph.weights.size).toBe(1);
});

test('without a bias the stream alone is left, as the output too', async () => {
  const graph = await shrunk(drop(plain({ bias: false }), 'down/w', 1, [0]));
  expect(graph.nodes.size).toBe(0);
});

test.each([
  ['it is not masked', plain()],
  ['no unit of it is masked as a whole', withMask(plain(), 'up/w', new Float32Array(hidden * channels))],
])('what cannot be cut stays, and the report says why: %s', async (expected, graph) => {
  const masked = expected.startsWith('no') ? drop(graph, 'down/w', channels, []) : graph;
  expect(await reason(masked)).toBe(expected);
});

test('nor is a channel cut that something else reads', async () => {
  const shared = model(({ b, dense }, x) => {
    const act = b.node('act', 'Relu', [dense('up', x, hidden, channels)]);
    b.output('inner', act, [-1, tokens, channels]);
    return dense('down', act, channels, hidden);
  });
  expect(await reason(drop(shared, 'down/w', channels, [0]))).toBe('"act" has other readers');
  const normed = model(({ b, weight, dense }, x) => {
    const up = dense('up', x, hidden, channels);
    const norm = b.node('inner', 'LayerNorm', [up, weight('g', channels), weight('s', channels)], { epsilon });
    return dense('down', norm, channels, hidden);
  });
  expect(await reason(drop(normed, 'down/w', channels, [0]))).toBe('"inner" stands between its layers');
});

test('nor a head whose logits something may treat on its own', async () => {
  const odd = attention(({ b, weight }, logits) => b.node('odd', 'Mul', [logits, weight('f', heads, tokens, tokens)]));
  expect(await reason(drop(odd, 'o/w', heads, [0]))).toBe('"odd" (Mul) may treat heads differently');
});
