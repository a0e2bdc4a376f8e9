import { build, executor, fakeQuantizeOf, withFakeQuantize, type Graph } from '@cq/core';
import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { foldValues, valuesIn } from './fold-values.ts';
import { logarithmic } from './log2-quantizer.ts';

beforeAll(() => setBackend('cpu'));

const numbers = (count: number, spread: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => spread * Math.sin(3 * i + count));

/** One attention of one head, 4 channels wide. */
function attention(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 3, 4]);
  const layer = (name: string, input: string): string =>
    b.node(name, 'BiasAdd', [
      b.node(`${name}/product`, 'MatMul', [input, b.weight(`${name}/w`, [4, 4], numbers(16, 0.5))]),
      b.weight(`${name}/b`, [4], numbers(4, 0.3)),
    ]);
  const heads = { heads: 1, depth: 4, tokens: 3 };
  const logits = b.node('logits', 'AttentionLogits', [layer('queries', x), layer('keys', x)], {
    ...heads,
    factor: 0.5,
  });
  const context = b.node('context', 'AttentionContext', [b.node('p', 'Softmax', [logits]), layer('values', x)], heads);
  b.output('y', layer('projection', context), [-1, 3, 4]);
  return b.graph();
}

function outputOf(graph: Graph): number[] {
  const model = executor(graph);
  const [y] = model.run({ x: { dtype: 'float32', shape: [1, 3, 4], data: numbers(12, 1) } });
  const values = [...y!.dataSync<'float32'>()];
  y!.dispose();
  model.dispose();
  return values;
}

const fold = { shifts: Float64Array.of(0.2, -1, 0, 3), scales: Float64Array.of(2, 0.5, 1, 4), scale: 1 };

function foldedOf(graph: Graph): Graph {
  const folded = foldValues(graph, 'values', 'p', fold);
  if ('reason' in folded) throw new Error(folded.reason);
  return folded.graph;
}

test('the values of an attention and its probabilities are found by their names without annotations', () => {
  const graph = attention();
  const quantized = withFakeQuantize(graph, 'p', logarithmic(3, 'log2'));
  for (const each of [graph, quantized]) {
    expect([...valuesIn(each, new Set(each.nodes.keys()))]).toEqual([['values', 'p']]);
    expect([...valuesIn(each, new Set(['values']))]).toEqual([]);
  }
});

test('channels of values are folded into the layers on both sides, and the model computes what it did', () => {
  const graph = attention();
  const folded = foldedOf(graph);
  expect([...folded.weights.get('values/b')!.data]).not.toEqual([...graph.weights.get('values/b')!.data]);
  outputOf(folded).forEach((value, i) => expect(value).toBeCloseTo(outputOf(graph)[i]!, 5));
});

test('codes of probabilities stay, and the layers change as if they summed to 1', () => {
  const graph = attention();
  const folded = foldedOf(withFakeQuantize(graph, 'p', logarithmic(3, 'log2')));
  expect(fakeQuantizeOf(folded, 'p')).toBeDefined();
  const plain = foldedOf(graph);
  for (const name of ['values/w', 'values/b', 'projection/w', 'projection/b']) {
    expect(folded.weights.get(name)!.data).toEqual(plain.weights.get(name)!.data);
  }
});
