import type { Batch, Dataset } from '@cq/core';

/** 28 × 28 bytes a digit, 0 is paper and 255 ink; behind all pixels one label each. `vite.config.ts` writes it. */
export interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

const area = 28 * 28;

export function readDigits(bytes: Uint8Array): Digits {
  const count = bytes.length / (area + 1);
  return { pixels: bytes.subarray(0, count * area), labels: bytes.subarray(count * area) };
}

/** The numbers that the model was trained on: those of examples/classify-digits. */
export function digitsDataset({ pixels, labels }: Digits): Dataset {
  const batch = (indices: readonly number[]): Batch => {
    const data = new Float32Array(indices.length * area);
    indices.forEach((index, row) => {
      for (let i = 0; i < area; i++) data[row * area + i] = (pixels[index * area + i]! * (1 / 255) - 0.5) / 0.5;
    });
    return {
      inputs: { pixel_values: { dtype: 'float32', shape: [indices.length, 1, 28, 28], data } },
      labels: indices.map((index) => labels[index]!),
    };
  };
  return {
    name: 'digits',
    size: labels.length,
    async *batches(size, indices = [...labels.keys()]) {
      for (let at = 0; at < indices.length; at += size) yield batch(indices.slice(at, at + size));
    },
  };
}

export const digitAt = ({ pixels }: Digits, index: number): Uint8Array =>
  pixels.slice(index * area, (index + 1) * area);
