import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import {
  accumulatorBound,
  build,
  codebook,
  executor,
  lower,
  raise,
  symmetric,
  unsigned,
  withFakeQuantize,
  type Graph,
  type Quantizer,
} from '../index.ts';
import { probabilityOf } from './probability.ts';

beforeAll(() => setBackend('cpu'));

const shape = { heads: 2, depth: 4, tokens: -1 };
const scale = Float32Array.of(0.9);

/** Attention of x to itself, with peaks. */
function attention(probabilities: Quantizer): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 9, 8]);
  const logits = b.node('logits', 'AttentionLogits', [x, x], { ...shape, factor: 3 });
  const softmax = b.node('softmax', 'Softmax', [logits]);
  b.output('y', b.node('context', 'AttentionContext', [softmax, x], shape), [-1, 9, 8]);
  const quantizers = {
    x: symmetric(8, [1]),
    logits: symmetric(8, [6]),
    softmax: probabilities,
    context: symmetric(8, [1]),
  };
  return Object.entries(quantizers).reduce((graph, [value, q]) => withFakeQuantize(graph, value, q), b.graph());
}

function run(graph: Graph): Float32Array {
  let state = 1;
  const data = Float32Array.from({ length: 20 * 72 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
  const model = executor(graph);
  const [y] = model.run({ x: { dtype: 'float32', shape: [20, 9, 8], data } });
  const values = y!.dataSync().slice() as Float32Array;
  y!.dispose();
  model.dispose();
  return values;
}

const kinds: readonly (readonly [string, Quantizer])[] = [
  ['uniform', unsigned(8, 1)],
  ['log2', { kind: 'log2', bits: 4, base: 1, scale: Float32Array.of(1) }],
  ['log √2', { kind: 'log2', bits: 4, base: 2, scale }],
  ['log2, 8 bits', { kind: 'log2', bits: 8, base: 1, scale }],
  ['uniform-log2', { kind: 'uniform-log2', bits: 3, base: 1, lower: 0, truncation: 7, scale: Float32Array.of(1) }],
  ['uniform-log2 of half exponents', { kind: 'uniform-log2', bits: 4, base: 2, lower: 0.5, truncation: 10, scale }],
  ['codebook', codebook([0, 0.01, 0.05, 0.2, 0.6, 1])],
];

describe.each(kinds)('%s', (_, quantizer) => {
  const annotated = attention(quantizer);
  const { graph: lowered } = lower(annotated);

  test('lowers for any number of tokens, its sums within 31 bits', () => {
    expect([...lowered.nodes.values()].map(({ op }) => op)).toEqual(['CqQuantize', 'CqAttention', 'CqDequantize']);
    expect(accumulatorBound(lowered.nodes.get('context')!, lowered)).toBeGreaterThan(2 ** 15);
  });

  // A share at the border of two cells may fall on either side, which moves the outcome by more than one step.
  test.each([
    ['lowered', lowered],
    ['raised', raise(lowered)],
  ])('%s, gives the simulated values', (name, graph) => {
    const [simulated, found] = [run(name === 'lowered' ? annotated : lowered), run(graph)];
    const apart = simulated.map((value, i) => Math.abs(value - found[i]!) * 127);
    expect(apart.filter((steps) => steps > 1.01).length / apart.length).toBeLessThan(0.005);
    expect(apart.filter((steps) => steps > 0.01).length / apart.length).toBeLessThan(0.02);
  });
});

test('what integer attention cannot take is named', () => {
  const reason = (quantizer: Quantizer): unknown => (probabilityOf(quantizer) as { reason?: string }).reason;
  expect(reason({ kind: 'dynamic', bits: 8 })).toBe('its probabilities have no codes of 8 bits');
  expect(reason(unsigned(9, 1))).toBe('its probabilities have no codes of 8 bits');
  expect(reason(symmetric(8, [1]))).toBe('its probabilities have no codes from 0 on');
  expect(reason({ kind: 'log2', bits: 4, base: 1, scale: new Float32Array(2), axis: 1 })).toBe(
    'its probabilities have several scales',
  );
  expect(reason(codebook([0.1, 0.9]))).toBe('its probabilities have no level for 0');
});
