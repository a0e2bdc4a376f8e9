import '@cq/backend-wasm/register';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import {
  compress,
  executor,
  maskOf,
  memoryStore,
  quantizeUniform,
  quantizerOf,
  randomOf,
  type Dataset,
  type Graph,
  type Store,
} from '@cq/core';
import { distill, student, withAnswers, type Moment } from '@cq/distill';
import { cubicSparsity, maskAt, prune } from '@cq/prune';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => setBackend('wasm'));

const teacher = tinyViT({ blocks: 2 }, 5);

/** Images of noise that come in another order than asked for, as texts do. */
function noise(size: number, from = 0): Dataset {
  const pixels = 3 * 8 * 8;
  return {
    name: 'noise',
    size,
    async *batches(batchSize, indices = Array.from({ length: size }, (_, i) => i)) {
      const sorted = [...indices].sort((a, b) => b - a);
      for (let at = 0; at < sorted.length; at += batchSize) {
        const chosen = sorted.slice(at, at + batchSize);
        const random = chosen.map((index) => randomOf(index, from));
        const data = Float32Array.from({ length: chosen.length * pixels }, (_, i) =>
          random[Math.floor(i / pixels)]!.uniform(),
        );
        yield {
          inputs: { pixels: { dtype: 'float32', shape: [chosen.length, 3, 8, 8], data } },
          labels: chosen.map((index) => index % 5),
          indices: chosen,
        };
      }
    },
  };
}

const training = noise(24);
const small = { steps: 24, batchSize: 8, part: 8, rate: 5e-3, decay: 0 } as const;

async function logitsOf(graph: Graph, data: Dataset): Promise<number[][]> {
  const model = executor(graph);
  const rows: number[][] = [];
  for await (const { inputs, indices } of data.batches(1)) {
    const [output] = model.run(inputs);
    rows[indices![0]!] = [...output!.dataSync()];
    output!.dispose();
  }
  model.dispose();
  return rows;
}

/** The mean KL divergence from the teacher's answers. */
async function divergence(graph: Graph, data: Dataset): Promise<number> {
  const softmax = (logits: readonly number[]): number[] => {
    const exps = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    return exps.map((value) => value / exps.reduce((sum, each) => sum + each, 0));
  };
  const [own, theirs] = [await logitsOf(graph, data), await logitsOf(teacher, data)];
  const each = own.map((logits, i) => {
    const [s, t] = [softmax(logits), softmax(theirs[i]!)];
    return t.reduce((sum, p, c) => sum + p * Math.log(p / s[c]!), 0);
  });
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

const bytesOf = (graph: Graph): Map<string, number[]> =>
  new Map([...graph.weights].map(([name, { data }]) => [name, [...data]]));

test('answers belong to their examples, whatever order the data come in, and are asked for once', async () => {
  const store = memoryStore();
  const expected = await logitsOf(teacher, training);
  for (const asked of [teacher, { ...teacher }]) {
    const answered = await withAnswers(training, asked, { store, batchSize: 5 });
    for await (const { inputs, indices } of answered.batches(4, [7, 3, 20, 11])) {
      const { data } = inputs['teacher/logits']!;
      indices!.forEach((example, row) =>
        expected[example]!.forEach((value, c) => expect(data[row * 5 + c]).toBeCloseTo(value, 4)),
      );
    }
  }
  const spoiled: Dataset = { ...training, batches: () => training.batches(1, [NaN]) };
  await expect(withAnswers(spoiled, teacher, { store })).resolves.toBeDefined(); // read from the store
});

test.each([
  ['outputs alone', ['soft']],
  ['outputs, hidden states and attention', ['soft', 'hidden', 'attention']],
] as const)('a student comes near its teacher by %s', async (_, losses) => {
  const held = noise(16, 1);
  const tensors = memory().numTensors;
  const smaller = student(teacher, { layers: 1, hidden: 8, heads: 1 });
  const { graph, report } = await compress(smaller, [distill({ ...small, teacher, losses })], { training });
  expect(memory().numTensors).toBe(tensors);
  expect(await divergence(graph, held)).toBeLessThan(0.5 * (await divergence(smaller, held)));
  expect([...graph.nodes.keys()]).toEqual([...smaller.nodes.keys()]);
  expect(report.passes[0]!.options['teacher']).toMatch(/^[0-9a-f]{8}$/);
});

test('data with answers need no teacher; labels need neither', async () => {
  const smaller = student(teacher, { layers: 1 });
  const answered = await withAnswers(training, teacher);
  const [given, asked] = await Promise.all([
    compress(smaller, [distill({ ...small, steps: 3, losses: ['soft'] })], { training: answered }),
    compress(smaller, [distill({ ...small, steps: 3, losses: ['soft'], teacher })], { training }),
  ]);
  expect(bytesOf(given.graph)).toEqual(bytesOf(asked.graph));
  const labelled = await compress(smaller, [distill({ ...small, steps: 3, losses: ['labels'] })], { training });
  expect(bytesOf(labelled.graph)).not.toEqual(bytesOf(given.graph));
  await expect(compress(smaller, [distill({ ...small, losses: ['soft'] })], { training })).rejects.toThrow(
    'distill: loss soft needs a teacher, or data with its answers, got neither',
  );
});

/** Masks that grow to 60 %, by magnitude. */
const growing = {
  every: 5,
  keep: ({ step, steps, weights, masks }: Moment) => {
    const sparsity = cubicSparsity(step, { steps, initial: 0.1, final: 0.6, coolDown: 8 });
    const scores = (name: string, data: Float32Array): Float32Array =>
      data.map((value, i) => (masks.get(name)![i] === 0 ? -Infinity : Math.abs(value)));
    return new Map([...weights].map(([name, data]) => [name, maskAt(scores(name, data), sparsity)]));
  },
};

const masked = (graph: Graph): string[] =>
  [...graph.weights.keys()].filter((name) => maskOf(graph, name)?.inputs[0] === name);

test('masks grow while it learns; what is masked or quantized stays so', async () => {
  const { graph: begun } = await compress(teacher, [prune({ sparsity: 0.1 }), quantizeUniform()], {
    calibration: training,
  });
  const { graph } = await compress(begun, [distill({ ...small, teacher, losses: ['soft'], pruning: growing })], {
    training,
  });
  expect(masked(graph).length).toBeGreaterThan(0);
  for (const name of masked(graph)) {
    const [before, after] = [begun, graph].map(
      (each) => each.weights.get(maskOf(each, name)!.inputs[1]!)!.data as Float32Array,
    );
    expect(after!.filter((keep) => keep === 0).length).toBe(Math.round(0.6 * after!.length));
    before!.forEach((keep, i) => keep === 0 && expect(after![i]).toBe(0));
    expect(quantizerOf(graph, name)).toEqual(quantizerOf(begun, name));
  }
  const { graph: oneShot } = await compress(begun, [prune({ sparsity: 0.6 })]);
  expect(await divergence(graph, training)).toBeLessThan(await divergence(oneShot, training));
});

test('a run that is stopped goes on to the same bits, masks that grow included', async () => {
  const { graph: begun } = await compress(student(teacher, { layers: 1 }), [prune({ sparsity: 0.1 })]);
  const pass = distill({ ...small, teacher, losses: ['soft', 'hidden'], pruning: growing });
  const whole = await compress(begun, [pass], { training });
  const store: Store = memoryStore();
  for (const until of [7, 15]) {
    const abort = new AbortController();
    const stopped = compress(begun, [pass], {
      ...{ training, store, signal: abort.signal },
      onProgress: ({ done }) => done === until && abort.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
  }
  const steps: number[] = [];
  const resumed = await compress(begun, [pass], { training, store, onProgress: ({ done }) => void steps.push(done) });
  expect(steps[0]).toBe(16);
  expect(bytesOf(resumed.graph)).toEqual(bytesOf(whole.graph));
  const other = distill({ ...small, teacher: tinyViT({ blocks: 2 }, 6), losses: ['soft', 'hidden'], pruning: growing });
  await expect(compress(begun, [other], { training, store })).rejects.toThrow(/pass 1 teacher/);
});

test('no steps: the very same graph; wrong options are refused by name', async () => {
  const { graph, report } = await compress(teacher, [distill({ steps: 0, losses: ['labels'] })], { training });
  expect((await compress(graph, [distill({ steps: 0, losses: ['labels'] })], { training })).graph).toBe(graph);
  expect(report.passes[0]!.skipped.length).toBeGreaterThan(10);
  expect(() => distill({ losses: ['hidden'] })).toThrow(
    'distill: losses hidden and attention need a teacher, got none',
  );
  expect(() => distill({ losses: [] })).toThrow(/losses must be of soft, labels, hidden, attention, got none/);
  expect(() => distill({ alpha: 2 })).toThrow('distill: alpha must be in [0, 1], got 2');
  expect(() => distill({ temperature: 0 })).toThrow('distill: temperature must be above 0, got 0');
  await expect(
    compress(teacher, [distill({ ...small, teacher, losses: ['hidden'], layers: [[0, 9]] })], { training }),
  ).rejects.toThrow('distill: layers must be from 0 to 1, got 9');
});
