import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import { capture, compress, executor, fit, join, maskOf, randomOf, type Dataset, type Graph } from '@cq/core';
import { cubicSparsity, maskAt, prune } from '@cq/prune';
import { losses, memory, setBackend, tensor } from '@tensorflow/tfjs-core';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => setBackend('cpu'));

/** Images of noise, the same every time. */
function noise(size: number): Dataset {
  const pixels = 3 * 8 * 8;
  return {
    name: 'noise',
    size,
    async *batches(batchSize, indices = Array.from({ length: size }, (_, i) => i)) {
      for (let at = 0; at < indices.length; at += batchSize) {
        const chosen = indices.slice(at, at + batchSize);
        const random = chosen.map((index) => randomOf(index));
        const data = Float32Array.from({ length: chosen.length * pixels }, (_, i) =>
          random[Math.floor(i / pixels)]!.uniform(),
        );
        yield { inputs: { pixels: { dtype: 'float32', shape: [chosen.length, 3, 8, 8], data } } };
      }
    },
  };
}

async function errorOf(graph: Graph, data: Dataset): Promise<number> {
  const model = executor(graph);
  let sum = 0;
  for await (const { inputs } of data.batches(1)) {
    const [logits] = model.run(inputs);
    const target = inputs['target']!.data as Float32Array;
    sum += logits!.dataSync<'float32'>().reduce((total, value, i) => total + (value - target[i]!) ** 2, 0);
    logits!.dispose();
  }
  model.dispose();
  return sum;
}

test('masks that grow while a model trains leave it better than masks put on at once', async () => {
  const teacher = tinyViT({ blocks: 1 }, 5);
  const images = noise(16);
  const { value } = teacher.outputs[0]!;
  const data = join(images, await capture(teacher, { target: value }, images));
  const [steps, initial, final] = [40, 0.1, 0.6];

  const { graph } = await compress(teacher, [prune({ sparsity: initial })]);
  const masked = [...graph.weights.values()].filter(({ name }) => maskOf(graph, name)?.inputs[0] === name);
  const keepName = (weight: string): string => maskOf(graph, weight)!.inputs[1]!;
  const keep = new Map(masked.map(({ name }) => [name, graph.weights.get(keepName(name))!.data as Float32Array]));
  const tensors = memory().numTensors;
  const fitted = await fit(graph, {
    parameters: masked.map(({ name }) => name),
    values: [value],
    loss: ({ values, batch }) => losses.meanSquaredError(batch['target']!, values[value]!),
    feeds: () =>
      Object.fromEntries(masked.map(({ name, shape }) => [keepName(name), tensor(keep.get(name)!, [...shape])])),
    checkpoint: {
      every: 5,
      save({ state, arrays }) {
        const sparsity = cubicSparsity(state.step, { steps, initial, final, coolDown: 15 });
        for (const [name, before] of keep) {
          const scores = arrays[`value/${name}`]!.map((w, i) => (before[i] === 0 ? -Infinity : Math.abs(w)));
          keep.set(name, maskAt(scores, sparsity));
        }
      },
    },
    data,
    steps,
    batchSize: 8,
    rate: 5e-3,
    seed: 1,
  });
  expect(memory().numTensors).toBe(tensors);
  const { graph: gradual } = await compress(fitted.graph, [prune({ sparsity: final })]);
  const { graph: oneShot } = await compress(teacher, [prune({ sparsity: final })]);
  for (const { name } of masked) {
    const mask = gradual.weights.get(maskOf(gradual, name)!.inputs[1]!)!.data;
    expect(mask.filter((kept) => kept === 0).length).toBe(Math.round(final * mask.length));
  }
  expect(await errorOf(gradual, data)).toBeLessThan(0.3 * (await errorOf(oneShot, data)));
});
