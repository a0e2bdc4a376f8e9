import '@tensorflow/tfjs-backend-cpu';
import {
  build,
  edit,
  executor,
  lower,
  symmetric,
  unsigned,
  verify,
  withFakeQuantize,
  type ArrayTensor,
  type Graph,
  type Quantizer,
} from '../index.ts';
import { biasBound } from '../runtime/attention.ts';

/** Values in [-1, 1) that look random and are the same every time. */
function noise(count: number, seed: number): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

const tokens = 49;
const shape = { heads: 3, depth: 32, tokens };
const channels = shape.heads * shape.depth;
const SPAN = 4;

/** Attention within windows: softmax(q kᵀ / √32 + bias), masked, v. */
function attention(
  bias: Float32Array,
  mask: Float32Array | undefined,
  logits: Quantizer = symmetric(8, [SPAN]),
): Graph {
  const b = build();
  const [q, k, v] = ['q', 'k', 'v'].map((name) => b.input(name, 'float32', [-1, tokens, channels])) as [
    string,
    string,
    string,
  ];
  const products = b.node('products', 'AttentionLogits', [q, k], { ...shape, factor: 1 / Math.sqrt(shape.depth) });
  let sum = b.node('placed', 'AddV2', [products, b.weight('bias', [shape.heads, tokens, tokens], bias)]);
  if (mask) {
    const list = (name: string, values: number[]) => b.weight(name, [values.length], Int32Array.from(values));
    const apart = b.node('apart', 'Reshape', [sum, list('split', [-1, 2, shape.heads, tokens, tokens])]);
    const masked = b.node('masked', 'AddV2', [apart, b.weight('mask', [2, 1, tokens, tokens], mask)]);
    sum = b.node('together', 'Reshape', [masked, list('join', [-1, shape.heads, tokens, tokens])]);
  }
  b.output('y', b.node('y', 'AttentionContext', [b.node('softmax', 'Softmax', [sum]), v], shape), [
    -1,
    tokens,
    channels,
  ]);
  const quantizers: Record<string, Quantizer> = {
    ...{ q: symmetric(8, [2]), k: symmetric(8, [2]), v: symmetric(8, [1]) },
    ...{ placed: logits, softmax: unsigned(8, 1), y: symmetric(8, [0.5]) },
  };
  return Object.entries(quantizers).reduce((graph, [name, each]) => withFakeQuantize(graph, name, each), b.graph());
}

/** Codes of the output for two pictures of two windows. */
function codes(graph: Graph): Int32Array {
  const input = (seed: number, size: number): ArrayTensor => ({
    ...{ dtype: 'float32', shape: [4, tokens, channels] },
    data: noise(4 * tokens * channels, seed).map((value) => value * size),
  });
  const model = executor(graph);
  const [y] = model.run({ q: input(1, 2), k: input(2, 2), v: input(3, 1) });
  const result = Int32Array.from(y!.dataSync(), (value) => Math.round((value * 127) / 0.5));
  y!.dispose();
  model.dispose();
  return result;
}

const bias = noise(shape.heads * tokens ** 2, 4).map((value) => 2 * value);
/** The first window's tokens look at others of their parity, the second's at all. */
const apart = Float32Array.from({ length: 2 * tokens ** 2 }, (_, i) =>
  i < tokens ** 2 && (Math.floor(i / tokens) + (i % tokens)) % 2 === 1 ? -100 : 0,
);

test.each([
  ['alone', undefined],
  ['under masks', apart],
])('position biases %s: 99.9 %% of the codes are the simulated ones, none is more than 1 apart', (_, mask) => {
  const graph = attention(bias, mask);
  const { graph: lowered } = lower(graph);
  expect([...lowered.nodes.values()].map(({ op }) => op)).toContain('CqAttention');
  const [simulated, integer] = [codes(graph), codes(lowered)];
  const apartBy = simulated.map((code, i) => Math.abs(code - integer[i]!));
  expect(Math.max(...apartBy)).toBeLessThanOrEqual(1);
  expect(apartBy.filter((steps) => steps > 0).length / apartBy.length).toBeLessThan(0.001);
  expect(new Set(simulated).size).toBeGreaterThan(20);
});

test('a bias that would leave int32 stops short of it and saturates the logit', () => {
  const huge = bias.map((value, i) => (i % tokens === 7 ? 1e9 : i % 5 === 0 ? -1e9 : value));
  const graph = attention(huge, undefined);
  const { graph: lowered } = lower(graph);
  const bias32 = [...lowered.weights.values()].find(({ name }) => name.endsWith('/bias'))!;
  const stored = bias32.data as Int32Array;
  expect([Math.min(...stored), Math.max(...stored)]).toEqual([-biasBound(32), biasBound(32)]);
  const more = { ...bias32, data: stored.map((value) => value + Math.sign(value)) };
  expect(() => verify(edit(lowered, { weights: [more] }), 'test')).toThrow(
    'test: "y": an integer sum fits in 31 bits, got 2147483648',
  );
  const [simulated, integer] = [codes(graph), codes(lowered)];
  expect(Math.max(...simulated.map((code, i) => Math.abs(code - integer[i]!)))).toBeLessThanOrEqual(1);
});

test.each<[string, Graph, string]>([
  [
    'subtracts less than the logits span',
    attention(bias, apart, symmetric(8, [40])),
    'its mask subtracts 100, too little for logits that span 80.6',
  ],
  [
    'leaves a query nothing to look at',
    attention(bias, apart.slice().fill(-100, 0, tokens)),
    'its mask leaves a query nothing to look at',
  ],
])('a mask that %s stays float', (_, graph, reason) => {
  const { left } = lower(graph);
  expect(left.find(({ value }) => value === 'y')!.reason).toBe(reason);
});
