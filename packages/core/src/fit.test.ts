import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import * as tf from '@tensorflow/tfjs-core';
import {
  adamStep,
  build,
  fit,
  permutation,
  randomOf,
  rateFactor,
  startMoments,
  symmetric,
  withFakeQuantize,
  withMask,
  type Checkpoint,
  type Dataset,
  type FitOptions,
  type Graph,
} from './index.ts';

beforeAll(() => tf.setBackend('cpu'));

const [inputs, outputs] = [4, 3];

/** y = x w + b. */
function linear(seed = 1): Graph {
  const random = randomOf(seed);
  const values = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
  const b = build();
  const x = b.input('x', 'float32', [-1, inputs]);
  const product = b.node('product', 'MatMul', [x, b.weight('w', [inputs, outputs], values(inputs * outputs))]);
  b.output('y', b.node('sum', 'BiasAdd', [product, b.weight('b', [outputs], values(outputs))]), [-1, outputs]);
  return b.graph();
}

/** Random x, and the target that `teacher` makes of it, so that the best loss is 0. */
function dataset(size: number, seed = 5, teacher = linear(99)): Dataset {
  const random = randomOf(seed);
  const x = Float32Array.from({ length: size * inputs }, () => 2 * random.uniform() - 1);
  const [w, bias] = ['w', 'b'].map((name) => teacher.weights.get(name)!.data) as [Float32Array, Float32Array];
  const target = Float32Array.from({ length: size * outputs }, (_, i) => {
    const [row, n] = [Math.floor(i / outputs), i % outputs];
    return (
      bias[n]! +
      Array.from({ length: inputs }, (_, k) => x[row * inputs + k]! * w[k * outputs + n]!).reduce((a, c) => a + c)
    );
  });
  const rows = (values: Float32Array, width: number, chosen: readonly number[]) => ({
    dtype: 'float32' as const,
    shape: [chosen.length, width],
    data: Float32Array.from(chosen.flatMap((i) => [...values.subarray(i * width, (i + 1) * width)])),
  });
  return {
    name: 'line',
    size,
    async *batches(batchSize, indices = Array.from({ length: size }, (_, i) => i)) {
      for (let start = 0; start < indices.length; start += batchSize) {
        const chosen = indices.slice(start, start + batchSize);
        yield { inputs: { x: rows(x, inputs, chosen), target: rows(target, outputs, chosen) } };
      }
    },
  };
}

const squaredError: FitOptions['loss'] = ({ values, batch }) =>
  tf.mean(tf.sum(tf.squaredDifference(values['y']!, batch['target']!), 1));

const options: FitOptions = {
  parameters: ['w', 'b'],
  values: ['y'],
  loss: squaredError,
  data: dataset(50),
  steps: 150,
  batchSize: 16,
  rate: 0.05,
  seed: 1,
};

const data = (graph: Graph, name: string) => [...graph.weights.get(name)!.data];

test('fits a linear layer, and leaves neither tensors nor its input changed', async () => {
  const before = tf.memory().numTensors;
  const [graph, teacher] = [linear(), linear(99)];
  const start = data(graph, 'w');
  const fitted = await fit(graph, { ...options, steps: 400, schedule: 'cosine' });
  expect(fitted.loss).toBeLessThan(1e-6);
  data(fitted.graph, 'w').forEach((value, i) => expect(value).toBeCloseTo(teacher.weights.get('w')!.data[i]!, 3));
  expect(data(graph, 'w')).toEqual(start);
  expect(tf.memory().numTensors).toBe(before);
});

test('the same seed gives the same bits, another seed others', async () => {
  const [first, second, other] = [
    await fit(linear(), options),
    await fit(linear(), options),
    await fit(linear(), { ...options, seed: 2 }),
  ];
  expect(data(second.graph, 'w')).toEqual(data(first.graph, 'w'));
  expect(data(other.graph, 'w')).not.toEqual(data(first.graph, 'w'));
});

test('resumed from any checkpoint, through JSON, it ends with the same bits', async () => {
  const noisy: FitOptions = {
    ...options,
    steps: 40,
    schedule: 'cosine',
    warmUp: 5,
    batchSize: (step) => 8 + (step % 3),
    adam: { decay: 0.01 },
    validation: { data: dataset(12, 6), every: 7 },
    // Dropout of inputs, drawn anew in every step.
    feeds: ({ batch, random }) => {
      const keep = tf.randomUniform(batch['x']!.shape, 0, 1, 'float32', random.integer(2 ** 31));
      return { x: tf.mul(batch['x']!, tf.cast(tf.greater(keep, 0.2), 'float32')) };
    },
  };
  const whole = await fit(linear(), noisy);
  const checkpoints: Checkpoint[] = [];
  await fit(linear(), { ...noisy, checkpoint: { every: 9, save: (c) => void checkpoints.push(c) } });
  expect(checkpoints.map(({ state }) => state.step)).toEqual([9, 18, 27, 36]);
  for (const { state, arrays } of checkpoints) {
    const resume = { state: JSON.parse(JSON.stringify(state)) as Checkpoint['state'], arrays };
    const resumed = await fit(linear(), { ...noisy, resume });
    expect(data(resumed.graph, 'w')).toEqual(data(whole.graph, 'w'));
    expect(resumed).toMatchObject({ best: whole.best, loss: whole.loss });
  }
});

test('an abort is honoured within one step, and leaves a checkpoint to resume from', async () => {
  const before = tf.memory().numTensors;
  const stop = new AbortController();
  let saved: Checkpoint | undefined;
  const steps: number[] = [];
  const aborted = fit(linear(), {
    ...options,
    signal: stop.signal,
    checkpoint: { every: 1000, save: (checkpoint) => void (saved = checkpoint) },
    progress({ step }) {
      steps.push(step);
      if (step === 20) stop.abort();
    },
  });
  await expect(aborted).rejects.toThrow(/abort/i);
  expect(steps.at(-1)).toBe(20);
  expect(saved!.state.step).toBe(20);
  expect(tf.memory().numTensors).toBe(before);
  const [resumed, whole] = [await fit(linear(), { ...options, resume: saved! }), await fit(linear(), options)];
  expect(data(resumed.graph, 'w')).toEqual(data(whole.graph, 'w'));
});

test('parts of a batch give the gradient of the whole', async () => {
  const whole = await fit(linear(), { ...options, steps: 20 });
  const parted = await fit(linear(), { ...options, steps: 20, part: 5 });
  data(parted.graph, 'w').forEach((value, i) => expect(value).toBeCloseTo(data(whole.graph, 'w')[i]!, 5));
});

test('the best parameters on held-back data are kept, the first ones among them', async () => {
  // Held back: what the model computes already. Every step leads away from it.
  const start = linear();
  const held = { data: dataset(20, 8, start), every: 1 };
  const fitted = await fit(start, { ...options, steps: 10, validation: held });
  expect(fitted.best).toMatchObject({ step: 0 });
  expect(data(fitted.graph, 'w')).toEqual(data(start, 'w'));
  const better = await fit(start, { ...options, steps: 60, validation: { data: dataset(20, 9), every: 20 } });
  expect(better.best!.step).toBe(60);
});

test('trains the scale of a quantizer: from far too wide to what fits the weights', async () => {
  const teacher = linear(99);
  const quantized = withFakeQuantize(teacher, 'w', symmetric(4, [4]));
  const scale = 'w/quantize/scale';
  const fitted = await fit(quantized, {
    ...options,
    parameters: [{ name: scale, least: 2 ** -20 }],
    rate: 0.01,
    steps: 200,
    validation: { data: dataset(50), every: 1 },
  });
  const max = Math.max(...teacher.weights.get('w')!.data.map(Math.abs));
  const [before, after] = [data(quantized, scale)[0]!, data(fitted.graph, scale)[0]!];
  expect(before).toBeCloseTo(4 / 7, 5);
  expect(after).toBeLessThan((1.6 * max) / 7);
  expect(after).toBeGreaterThan((0.4 * max) / 7);
  expect(data(fitted.graph, 'w')).toEqual(data(quantized, 'w'));
});

test('trains through a mask and a quantizer: what is masked stays, the others make up for it', async () => {
  const keep = Float32Array.from({ length: inputs * outputs }, (_, i) => (i % 4 === 0 ? 0 : 1));
  const start = linear();
  const graph = withFakeQuantize(withMask(start, 'w', keep), 'w', symmetric(8, [1]));
  const losses: number[] = [];
  const fitted = await fit(graph, { ...options, progress: ({ loss }) => losses.push(loss) });
  expect(fitted.loss).toBeLessThan(losses[0]! / 2);
  const [before, after] = [data(start, 'w'), data(fitted.graph, 'w')];
  keep.forEach((kept, i) => (kept ? expect(after[i]).not.toBe(before[i]) : expect(after[i]).toBe(before[i])));
});

test('progress says the time left, falling to 0', async () => {
  const left: number[] = [];
  await fit(linear(), { ...options, steps: 5, progress: ({ secondsLeft }) => left.push(secondsLeft) });
  expect(left).toHaveLength(5);
  expect(left.every((seconds) => seconds >= 0 && Number.isFinite(seconds))).toBe(true);
  expect(left.at(-1)).toBe(0);
});

test('what cannot be trained is refused by name', async () => {
  await expect(fit(linear(), { ...options, parameters: ['v'] })).rejects.toThrow('fit: "v" is no float32 weight');
  await expect(fit(linear(), { ...options, rate: NaN, steps: 2 })).rejects.toThrow('fit: the loss of step 2 is NaN');
  const resume: Checkpoint = { state: { seed: 9, step: 1, steps: 150, drawn: 16 }, arrays: {} };
  await expect(fit(linear(), { ...options, resume })).rejects.toThrow('the checkpoint is of seed 9 and 150 steps');
  const foreign: Checkpoint = { ...resume, state: { ...resume.state, seed: 1 } };
  await expect(fit(linear(), { ...options, resume: foreign })).rejects.toThrow('the checkpoint lacks "first/w"');
});

test("Adam's steps are those of its paper", () => {
  const [values, moments] = [Float32Array.of(1, -2), startMoments(2)];
  const reference = { x: [1, -2], m: [0, 0], v: [0, 0] };
  for (let t = 1; t <= 5; t++) {
    const gradient = reference.x.map((x) => 2 * x + 0.1 * t);
    adamStep(values, Float32Array.from(gradient), moments, t, 0.1, { decay: 0.1 });
    reference.x = reference.x.map((x, i) => {
      reference.m[i] = 0.9 * reference.m[i]! + 0.1 * gradient[i]!;
      reference.v[i] = 0.999 * reference.v[i]! + 0.001 * gradient[i]! ** 2;
      const [m, v] = [reference.m[i]! / (1 - 0.9 ** t), reference.v[i]! / (1 - 0.999 ** t)];
      return x - 0.1 * (m / (Math.sqrt(v) + 1e-8) + 0.1 * x);
    });
  }
  reference.x.forEach((x, i) => expect(values[i]).toBeCloseTo(x, 5));
});

test('a schedule rises to 1, then stays or falls to 0', () => {
  const factors = (schedule: 'constant' | 'linear' | 'cosine') =>
    [0, 1, 2, 3, 6, 10].map((step) => rateFactor(schedule, step, 10, 2));
  expect(factors('constant')).toEqual([1 / 3, 2 / 3, 1, 1, 1, 1]);
  expect(factors('linear')).toEqual([1 / 3, 2 / 3, 1, 0.875, 0.5, 0]);
  expect(factors('cosine')[4]).toBeCloseTo(0.5, 12);
  expect(factors('cosine')[5]).toBeCloseTo(0, 12);
});

test('random numbers repeat, differ by seed, and permute', () => {
  const draw = (...seeds: number[]) =>
    Array.from(
      { length: 4 },
      (
        (random) => () =>
          random.uniform()
      )(randomOf(...seeds)),
    );
  expect(draw(1, 2)).toEqual(draw(1, 2));
  expect(new Set([draw(1, 2), draw(2, 1), draw(1), draw(1, 2 ** 40 + 2)].map(String)).size).toBe(4);
  const order = permutation(100, randomOf(3));
  expect(order).not.toEqual([...order].sort((a, b) => a - b));
  expect(new Set(order).size).toBe(100);
});
