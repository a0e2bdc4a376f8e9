import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import {
  build,
  executor,
  fit,
  onLevels,
  quantizerOf,
  randomOf,
  symmetric,
  weightMax,
  withFakeQuantize,
  type Dataset,
  type Graph,
  type UniformQuantizer,
} from '@cq/core';
import { mean, setBackend, squaredDifference } from '@tensorflow/tfjs-core';
import { shareAt, stagesOf, type BitSchedule } from './bits-at.ts';
import { transition } from './transition.ts';

beforeAll(() => setBackend('cpu'));

const w = Float32Array.of(-0.9, -0.2, 0.1, 0.45, 0.8);
const codes = (bits: number, scale: number, zero: number): UniformQuantizer => ({
  ...{ kind: 'uniform', bits, signed: false },
  ...{ scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zero) },
});

test('golden G19: a mixture of 4 and 3 bits on one range', () => {
  const [four, three] = [onLevels(w, [5], codes(4, 1.7 / 15, 8)), onLevels(w, [5], codes(3, 1.7 / 7, 4))];
  const share = shareAt(35, 100);
  expect(share).toBeCloseTo(0.5, 12);
  [-0.939048, -0.234762, 0.056667, 0.469524, 0.760952].forEach((expected, i) =>
    expect(share * four[i]! + (1 - share) * three[i]!).toBeCloseTo(expected, 5),
  );
});

/** A weight of 3-bit codes that an input of ones is multiplied by. */
function weighted(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 1]);
  b.output('y', b.node('y', 'MatMul', [x, b.weight('w', [1, 5], w)]), [-1, 5]);
  return withFakeQuantize(b.graph(), 'w', symmetric(3, [0.9]));
}

function outputOf(graph: Graph): Float32Array {
  const model = executor(graph);
  const [y] = model.run({ x: { dtype: 'float32', shape: [1, 1], data: Float32Array.of(1) } });
  const values = y!.dataSync<'float32'>().slice();
  y!.dispose();
  model.dispose();
  return values;
}

test('in transition or not, what held-back data and the end see is the target', () => {
  const graph = weighted();
  const names = [...graph.nodes.values()].filter(({ op }) => op === 'CqFakeQuantize').map(({ name }) => name);
  const target = onLevels(w, [1, 5], quantizerOf(graph, 'w')!);
  const mixed = transition(graph, names, 3, { wide: 5, narrow: 3, steps: 100 }, 'mix');
  expect(outputOf(mixed.graph)).toEqual(target);
  const feeds = mixed.feeds(99);
  expect(Object.values(feeds).map((tensor) => tensor.dataSync()[0])).toEqual([0, 1]);
  const continuous = transition(graph, names, 3, { wide: 5, narrow: 3, steps: 100 }, 'continuous');
  expect(outputOf(continuous.graph)).toEqual(target);
  const still = { wide: 3, narrow: 3, steps: 100 };
  for (const schedule of ['mix', 'step', 'direct'] as const) {
    expect(transition(graph, names, 3, still, schedule).graph).toBe(graph);
  }
});

test('wider codes keep the range and the trained scale', () => {
  const graph = weighted();
  const names = [...graph.nodes.values()].filter(({ op }) => op === 'CqFakeQuantize').map(({ name }) => name);
  const wide = outputOf(transition(graph, names, 3, { wide: 6, narrow: 6, steps: 10 }, 'step').graph);
  const scale = (0.9 / 3) * (7 / 63);
  wide.forEach((value, i) => expect(Math.abs(value - w[i]!)).toBeLessThanOrEqual(0.5001 * scale));
});

/** A toy of two layers, its 3-bit weights trained towards the float ones' answers (methods 4.4 and 10.7). */
async function toyError(schedule: BitSchedule, seed: number): Promise<number> {
  const random = randomOf(seed);
  const uniform = (size: number, spread: number): Float32Array =>
    Float32Array.from({ length: size }, () => spread * (random.uniform() + random.uniform() + random.uniform() - 1.5));
  const [inputs, hidden, outputs, count] = [12, 16, 6, 160];
  const b = build();
  const x = b.input('x', 'float32', [-1, inputs]);
  const first = b.node('first', 'MatMul', [x, b.weight('u', [inputs, hidden], uniform(inputs * hidden, 0.6))]);
  const second = b.node('second', 'MatMul', [
    b.node('active', 'Tanh', [first]),
    b.weight('v', [hidden, outputs], uniform(hidden * outputs, 0.5)),
  ]);
  b.output('y', second, [-1, outputs]);
  const float = b.graph();
  const rows = Array.from({ length: count }, () => uniform(inputs, 1.5));
  const model = executor(float);
  const answers = rows.map((row) => {
    const [y] = model.run({ x: { dtype: 'float32', shape: [1, inputs], data: row } });
    const answer = y!.dataSync<'float32'>().slice();
    y!.dispose();
    return answer;
  });
  model.dispose();
  const share = (from: number, to: number): Dataset => ({
    name: 'toy',
    size: to - from,
    async *batches(size, indices = Array.from({ length: to - from }, (_, i) => i)) {
      for (let at = 0; at < indices.length; at += size) {
        const chosen = indices.slice(at, at + size).map((i) => i + from);
        const joined = (parts: readonly Float32Array[]) => Float32Array.from(chosen.flatMap((i) => [...parts[i]!]));
        yield {
          inputs: {
            x: { dtype: 'float32', shape: [chosen.length, inputs], data: joined(rows) },
            expected: { dtype: 'float32', shape: [chosen.length, outputs], data: joined(answers) },
          },
        };
      }
    },
  });
  let graph = float;
  for (const name of ['u', 'v']) {
    const { data, shape } = graph.weights.get(name)!;
    const columns = shape[1]!;
    const maxima = Array.from({ length: columns }, (_, n) =>
      weightMax(
        Float32Array.from({ length: data.length / columns }, (__, k) => data[k * columns + n]!),
        'mse',
        3,
      ),
    );
    graph = withFakeQuantize(graph, name, symmetric(3, maxima, 1));
  }
  const names = [...graph.nodes.values()].filter(({ op }) => op === 'CqFakeQuantize').map(({ name }) => name);
  let error = NaN;
  const stages = stagesOf(schedule, 5, 3, 300);
  for (const [i, stage] of stages.entries()) {
    const last = i === stages.length - 1;
    const { graph: changing, feeds } = transition(graph, names, 3, stage, schedule);
    const fitted = await fit(changing, {
      ...{
        parameters: ['u', 'v'],
        values: ['second'],
        data: share(0, 128),
        steps: stage.steps,
        batchSize: 32,
        rate: 3e-3,
        seed,
      },
      loss: ({ values, batch }) => mean(squaredDifference(values['second']!, batch['expected']!)),
      feeds: ({ step }) => feeds(step),
      schedule: last ? 'cosine' : 'constant',
      ...(last && { validation: { data: share(128, count), every: 1000 } }),
    });
    const weights = ['u', 'v'].map((name) => fitted.graph.weights.get(name)!);
    graph = {
      ...graph,
      weights: new Map([...graph.weights, ...weights.map((weight) => [weight.name, weight] as const)]),
    };
    if (last) error = fitted.best!.loss;
  }
  return error;
}

test('bits that decline by mixing are no worse than direct ones on average over four seeds (methods 10.7)', async () => {
  const average = async (schedule: BitSchedule): Promise<number> => {
    let sum = 0;
    for (const seed of [1, 2, 3, 4]) sum += await toyError(schedule, seed);
    return sum / 4;
  };
  const [direct, mix] = [await average('direct'), await average('mix')];
  expect(mix).toBeLessThanOrEqual(direct);
}, 240_000);
