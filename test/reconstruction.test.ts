import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import {
  blockInputs,
  blocks,
  capture,
  compensate,
  compress,
  decode,
  edit,
  fit,
  gptq,
  join,
  maskOf,
  observeGrams,
  quantizerOf,
  quantizeUniform,
  randomOf,
  roundingLoss,
  roundNearest,
  subgraph,
  type Dataset,
  type Graph,
  type UniformQuantizer,
} from '@cq/core';
import * as tf from '@tensorflow/tfjs-core';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => tf.setBackend('cpu'));

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

async function quantized(): Promise<{ float: Graph; graph: Graph; data: Dataset }> {
  const float = tinyViT({}, 3);
  const data = noise(12);
  const { graph } = await compress(float, [quantizeUniform({ weights: 3, activations: 8 })], { calibration: data });
  return { float, graph, data };
}

test('a block is reconstructed by training: blocks, captured inputs and fit work together', async () => {
  const { float, graph, data } = await quantized();
  const before = tf.memory().numTensors;
  const [, second] = blocks(float);
  const [inFloat, inQuantized] = [await blockInputs(float, second!, data), await blockInputs(graph, second!, data)];
  const target = await capture(subgraph(float, second!, inFloat.inputs), { target: second!.output }, inFloat);
  const pairs = join(inQuantized, target);
  const student = subgraph(graph, blocks(graph)[1]!, inQuantized.inputs);
  const weights = [...student.weights.values()].filter(
    ({ name, shape: size }) => size.length === 2 && quantizerOf(student, name),
  );
  const fitted = await fit(student, {
    parameters: weights.map(({ name }) => name),
    values: [second!.output],
    loss: ({ values, batch }) => tf.losses.meanSquaredError(batch['target']!, values[second!.output]!),
    data: pairs,
    steps: 30,
    batchSize: 8,
    rate: 5e-3,
    schedule: 'cosine',
    validation: { data: pairs, every: 10 },
    seed: 1,
  });
  expect(weights).toHaveLength(6);
  expect(fitted.best!.step).toBeGreaterThan(0);
  const start = await fit(student, {
    parameters: [weights[0]!.name],
    values: [second!.output],
    loss: ({ values, batch }) => tf.losses.meanSquaredError(batch['target']!, values[second!.output]!),
    data: pairs,
    steps: 0,
    batchSize: 8,
    rate: 0,
    validation: { data: pairs, every: 1 },
    seed: 1,
  });
  expect(fitted.best!.loss).toBeLessThan(0.7 * start.best!.loss);
  expect(tf.memory().numTensors).toBe(before);
});

test('gptq on Gram matrices of quantized inputs brings the float outputs nearer', async () => {
  const { float, graph, data } = await quantized();
  const linear = [...graph.nodes.values()].flatMap(({ op, inputs }) => {
    const weight = float.weights.get(inputs[1]?.replace(/\/quantize$/, '') ?? '');
    return op === 'MatMul' && weight ? [{ weight, quantized: inputs[0]! }] : [];
  });
  const taps = linear.map((tap) => ({ quantized: tap.quantized, float: tap.quantized.replace(/\/quantize$/, '') }));
  const grams = await observeGrams({ graph, data }, { graph: float, data }, taps, { ones: true, batchSize: 4 });
  for (const { weight, quantized: input } of linear) {
    const gram = grams.get(input)!;
    const quantizer = quantizerOf(graph, weight.name) as UniformQuantizer;
    const compensated = { ...weight, data: compensate(weight, gram).weight };
    const total = (codes: Int32Array): number =>
      roundingLoss({ weight: compensated, quantizer }, codes, gram).reduce((sum, loss) => sum + loss, 0);
    const rounded = gptq({ weight: compensated, quantizer }, gram);
    expect(total(rounded)).toBeLessThan(total(roundNearest({ weight, quantizer })));
    // Written back, the codes are what its quantizer makes of the weight: nothing else has to know how they were found.
    const data = decode(rounded, weight.shape, quantizer);
    const written = edit(graph, { weights: [{ ...weight, data }] });
    expect(maskOf(written, weight.name)).toBeUndefined();
    expect(roundNearest({ weight: written.weights.get(weight.name)!, quantizer })).toEqual(rounded);
  }
});
