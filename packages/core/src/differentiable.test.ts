import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import * as tf from '@tensorflow/tfjs-core';
import { build, differentiable, executor, randomOf, type Batch, type Graph } from './index.ts';
import { objective } from './objective.ts';

beforeAll(() => tf.setBackend('cpu'));

const [tokens, heads, depth] = [3, 2, 2];
const hidden = heads * depth;

/** An attention with its norm and shortcut, and a linear layer of transposed weights. */
function block(): Graph {
  const b = build();
  const random = randomOf(4);
  const weight = (name: string, ...shape: number[]): string =>
    b.weight(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => random.uniform() - 0.3),
    );
  const x = b.input('x', 'float32', [-1, tokens, hidden]);
  const norm = b.node('norm', 'LayerNorm', [x, weight('gamma', hidden), weight('beta', hidden)], { epsilon: 1e-3 });
  const [q, k, v] = ['q', 'k', 'v'].map((name) => b.node(name, 'MatMul', [norm, weight(`${name}/w`, hidden, hidden)]));
  const logits = b.node('logits', 'AttentionLogits', [q!, k!], { heads, depth, tokens, factor: 0.5 });
  const context = b.node('context', 'AttentionContext', [b.node('p', 'Softmax', [logits]), v!], {
    heads,
    depth,
    tokens,
  });
  const sum = b.node('sum', 'AddV2', [context, x]);
  const gelu = b.node('gelu', 'Gelu', [sum], { approximate: false });
  const out = b.node('out', 'MatMul', [gelu, weight('out/w', 2, hidden)], { transpose_b: true });
  b.output('y', b.node('y', 'BiasAdd', [out, weight('out/b', 2)]), [-1, tokens, 2]);
  return b.graph();
}

const batch: Batch = {
  inputs: {
    x: {
      dtype: 'float32',
      shape: [2, tokens, hidden],
      data: Float32Array.from({ length: 2 * tokens * hidden }, (_, i) => Math.sin(i * 2.3)),
    },
  },
};

test('gradients of a transformer block are those of small differences', async () => {
  const graph = block();
  const parameters = new Map([...graph.weights].map(([name, { data }]) => [name, data as Float32Array]));
  const model = objective(graph, { values: ['y'], loss: ({ values }) => tf.mean(tf.square(values['y']!)) });
  const { gradients } = await model.gradients(parameters, batch, { step: 0, steps: 1, random: randomOf(1) });
  for (const [name, values] of parameters) {
    for (const i of values.keys()) {
      const at = async (change: number): Promise<number> =>
        model.loss(
          new Map(parameters).set(
            name,
            values.map((x, j) => (j === i ? x + change : x)),
          ),
          batch,
        );
      const slope = ((await at(2e-2)) - (await at(-2e-2))) / 4e-2;
      expect(Math.abs(gradients.get(name)![i]! - slope)).toBeLessThan(3e-3);
    }
  }
  model.dispose();
});

test('ends of clips, one number or one for each channel, get the sum of the gradients of all that they clip', async () => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 3]);
  const raised = b.node('raised', 'Maximum', [x, b.weight('low', [1], Float32Array.of(-1))]);
  b.output('y', b.node('y', 'Minimum', [b.weight('high', [3], Float32Array.of(1, 2, 3)), raised]), [-1, 3]);
  const model = objective(b.graph(), { values: ['y'], loss: ({ values }) => tf.sum(values['y']!) });
  const parameters = new Map([
    ['low', Float32Array.of(-1)],
    ['high', Float32Array.of(1, 2, 3)],
  ]);
  const given: Batch = {
    inputs: { x: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(-5, 5, 0, 4, -3, 7) } },
  };
  const { gradients } = await model.gradients(parameters, given, { step: 0, steps: 1, random: randomOf(1) });
  expect(gradients).toEqual(
    new Map([
      ['low', Float32Array.of(2)],
      ['high', Float32Array.of(1, 1, 1)],
    ]),
  );
  model.dispose();
});

test('values stay as they are', () => {
  const graph = block();
  const [plain, replaced] = [graph, differentiable(graph)].map((form) => {
    const model = executor(form);
    const [y] = model.run(batch.inputs);
    const values = [...y!.dataSync()];
    y!.dispose();
    model.dispose();
    return values;
  });
  replaced!.forEach((value, i) => expect(value).toBeCloseTo(plain![i]!, 6));
});
