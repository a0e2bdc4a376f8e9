import { build, type Dataset, type Graph } from '@cq/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { sequenceDigest } from './digest.ts';
import { evaluate } from './evaluate.ts';

beforeAll(() => tf.setBackend('cpu'));

/** logits = x · w */
function classifier(w: readonly number[], metadata = { task: 'image-classification' }): Graph {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 2]);
  const weight = graph.weight('w', [2, w.length / 2], Float32Array.from(w));
  graph.output('logits', graph.node('product', 'MatMul', [x, weight]), [-1, w.length / 2]);
  return graph.graph(metadata);
}

const identity = [1, 0, 0, 1];

function points(rows: readonly (readonly [number, number])[], labels?: readonly number[]): Dataset {
  return {
    name: 'points',
    size: rows.length,
    async *batches(batchSize, indices = rows.map((_, i) => i)) {
      for (let from = 0; from < indices.length; from += batchSize) {
        const chosen = indices.slice(from, from + batchSize);
        yield {
          inputs: {
            x: {
              dtype: 'float32',
              shape: [chosen.length, 2],
              data: Float32Array.from(chosen.flatMap((i) => rows[i]!)),
            },
          },
          ...(labels && { labels: chosen.map((i) => labels[i]!) }),
        };
      }
    },
  };
}

const rows = [
  [3, 1],
  [1, 2],
  [5, 4],
] as const;
const data = points(rows, [0, 1, 1]);

test('counts hits and says how long an example took', async () => {
  const result = await evaluate(classifier(identity), data);
  expect(result).toMatchObject({ metric: 'top-1', correct: 2, count: 3, value: 2 / 3, top5: 1 });
  expect(result.milliseconds).toBeGreaterThan(0);
  expect(result).not.toHaveProperty('kl');
});

test('the fingerprint is that of the logits in order, whatever the batch size', async () => {
  const digest = sequenceDigest(3);
  await Promise.all(rows.map((logits, i) => digest.set(i, Float32Array.from(logits))));
  for (const batchSize of [1, 2, 3]) {
    const { logitsSha256, correct } = await evaluate(classifier(identity), data, { batchSize });
    expect([logitsSha256, correct]).toEqual([await digest.hex(), 2]);
  }
});

test('the order in which a dataset gives its examples does not count', async () => {
  const backwards: Dataset = {
    ...data,
    async *batches(batchSize, indices = [0, 1, 2]) {
      const order = [...indices].reverse();
      let from = 0;
      for await (const batch of data.batches(batchSize, order)) {
        yield { ...batch, indices: order.slice(from, (from += batchSize)) };
      }
    },
  };
  const text = classifier(identity, { task: 'text-classification' });
  for (const options of [{ batchSize: 1 }, { batchSize: 2 }, { batchSize: 2, limit: 2 }]) {
    const [forth, back] = [await evaluate(text, data, options), await evaluate(text, backwards, options)];
    expect({ ...back, milliseconds: 0 }).toEqual({ ...forth, milliseconds: 0 });
  }
});

test('limit takes the first examples', async () => {
  expect(await evaluate(classifier(identity), data, { limit: 2 })).toMatchObject({ correct: 2, count: 2 });
  expect(await evaluate(classifier(identity), data, { limit: 99 })).toMatchObject({ count: 3 });
  await expect(evaluate(classifier(identity), data, { limit: 0 })).rejects.toThrow(
    'limit must be a whole number from 1, got 0',
  );
});

test('a reference adds agreement and divergence', async () => {
  const itself = await evaluate(classifier(identity), data, { reference: classifier(identity) });
  expect(itself).toMatchObject({ agreement: 1, kl: 0 });
  const swapped = await evaluate(classifier([0, 1, 1, 0]), data, { reference: classifier(identity) });
  expect(swapped.agreement).toBe(0);
  expect(swapped.kl).toBeGreaterThan(0.1);
});

test('progress counts examples, and a signal ends the work', async () => {
  const seen: number[][] = [];
  await evaluate(classifier(identity), data, { batchSize: 2, progress: (...event) => seen.push(event) });
  expect(seen).toEqual([
    [2, 3],
    [3, 3],
  ]);
  const stopped = evaluate(classifier(identity), data, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toThrow('aborted');
});

test('no tensor is left behind, not even by a failure', async () => {
  const before = tf.memory().numTensors;
  await evaluate(classifier(identity), data, { reference: classifier(identity) });
  await expect(evaluate(classifier(identity), points([[1, 2]]))).rejects.toThrow();
  expect(tf.memory().numTensors).toBe(before);
});

test('what cannot be evaluated is refused in one line', async () => {
  const model = classifier(identity);
  await expect(evaluate(classifier(identity, {} as never), data)).rejects.toThrow(
    'must be image-classification or text-classification, got none',
  );
  await expect(evaluate(classifier(identity, { task: 'poetry' }), data)).rejects.toThrow('got "poetry"');
  await expect(evaluate(model, points([[1, 2]]))).rejects.toThrow(
    'points: every example needs a label to evaluate, got none',
  );
  await expect(evaluate(model, points([[1, 2]], [2]))).rejects.toThrow(
    'labels must be from 0 to 1, the classes of the model, got 2',
  );
  await expect(evaluate(model, points([]))).rejects.toThrow('at least one example');
  await expect(evaluate(model, data, { reference: classifier([1, 2, 3, 4, 5, 6]) })).rejects.toThrow(
    'as many classes, got 3 and 2',
  );
});
