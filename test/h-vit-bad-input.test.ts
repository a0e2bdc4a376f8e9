import '@tensorflow/tfjs-backend-cpu';
import { compress, CqError, edit, lower, quantizerOf, type Dataset, type Graph } from '@cq/core';
import { hVit } from '@cq/quant-pot';
import { memory } from '@tensorflow/tfjs-core';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

const model = tinyViT({ blocks: 1, hidden: 8, heads: 2, side: 2, patch: 2 }, 1);
const images = noiseImages(2, 4, 'pixels');

/** The images with every pixel changed. */
function changed(pixel: (value: number, index: number) => number): Dataset {
  return {
    ...images,
    async *batches(size, indices) {
      for await (const { inputs } of images.batches(size, indices)) {
        const { data, ...tensor } = inputs['pixels']!;
        yield { inputs: { pixels: { ...tensor, data: Float32Array.from(data, pixel) } } };
      }
    },
  };
}

/** The model with weights that are a function of what they were. */
function withWeights(names: readonly string[], value: (x: number, index: number) => number): Graph {
  const weights = names.map((name) => {
    const weight = model.weights.get(name)!;
    return { ...weight, data: Float32Array.from(weight.data, value) };
  });
  return edit(model, { weights });
}

async function errorOf(graph: Graph, calibration: Dataset): Promise<string> {
  const before = memory().numTensors;
  const error: unknown = await compress(graph, hVit(), { calibration }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  expect(memory().numTensors).toBe(before);
  return (error as CqError).message;
}

test('calibration data of another shape', async () => {
  expect(await errorOf(model, noiseImages(2, 8, 'pixels'))).toMatch(
    /input "pixels" must be \[-1, 3, 4, 4\], got \[2, 3, 8, 8\]$/,
  );
});

test('calibration data with another name', async () => {
  expect(await errorOf(model, noiseImages(2, 4, 'image'))).toMatch(/the data lack input "pixels"; they have image$/);
});

test.each([NaN, Infinity])('calibration data with %d', async (bad) => {
  const data = changed((value, index) => (index === 5 ? bad : value));
  expect(await errorOf(model, data)).toMatch(/"pixels" takes NaN or infinite values on this data; check the data/);
});

test('an input that is always zero', async () => {
  expect(
    await errorOf(
      model,
      changed(() => 0),
    ),
  ).toBe(
    'quantize-pot: "pixels": its largest magnitude must be a positive number, got 0; check the calibration data and the model',
  );
});

test('an activation that is always zero', async () => {
  const dead = withWeights(['block0/query/weight', 'block0/query/bias'], () => 0);
  expect(await errorOf(dead, images)).toBe(
    'quantize-pot: "block0/query": its largest magnitude must be a positive number, got 0; check the calibration data and the model',
  );
});

test('a LayerNorm with nothing to divide by', async () => {
  const level = withWeights(['embed/weight', 'embed/bias', 'positions/weight'], () => 0.25);
  expect(await errorOf(level, images)).toBe(
    'quantize-pot: "positions": the σ of the LayerNorm behind it must be above 0 for some token, got 0 for all; check the calibration data and the model',
  );
});

test('values whose exponent is none that kernels shift by', async () => {
  expect(
    await errorOf(
      model,
      changed((value) => value * 2 ** -70),
    ),
  ).toMatch(/^quantize-pot: "pixels": the exponent of its scale must be -60 to 60, got -7\d;/);
});

test('a bias that int32 cannot hold beside its product', async () => {
  const far = withWeights(['block0/value/bias'], () => 1e7);
  expect(await errorOf(far, images)).toMatch(
    /^quantize-pot: "block0\/value\/bias": must fit in int32 in units of its product's scale [\d.e-]+, got \d+/,
  );
});

test('a sum that could overflow its accumulator is refused by verify, with the number', async () => {
  const { graph } = await compress(model, hVit(), { calibration: images });
  const scale = (value: string): number => {
    const quantizer = quantizerOf(graph, value);
    return quantizer?.kind === 'uniform' ? quantizer.scale[0]! : NaN;
  };
  const bias = graph.weights.get('block0/value/bias')!;
  const unit = scale('block0/before') * scale('block0/value/weight');
  const nearly = { ...bias, data: bias.data.map(() => (2 ** 31 - 128) * unit) as Float32Array };
  let message = '';
  try {
    lower(edit(graph, { weights: [nearly] }));
  } catch (error) {
    expect(error).toBeInstanceOf(CqError);
    ({ message } = error as CqError);
  }
  expect(message).toMatch(/^lower: "block0\/value": an integer sum fits in 31 bits, got \d+$/);
  expect(Number(/\d+$/.exec(message)![0])).toBeGreaterThan(2 ** 31);
});
