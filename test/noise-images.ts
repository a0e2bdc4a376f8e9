import type { Dataset } from '@cq/core';

/** `count` images of noise, 3 × `side` × `side`, the same every time; label 0. */
export function noiseImages(count: number, side: number, input = 'pixel_values'): Dataset {
  const size = 3 * side * side;
  return {
    name: 'noise',
    size: count,
    async *batches(batchSize, indices = Array.from({ length: count }, (_, index) => index)) {
      for (let at = 0; at < indices.length; at += batchSize) {
        const chosen = indices.slice(at, at + batchSize);
        const data = Float32Array.from({ length: chosen.length * size }, (_, i) =>
          Math.sin((chosen[Math.floor(i / size)]! + 1) * (i % size) * 12.9898),
        );
        yield {
          inputs: { [input]: { dtype: 'float32', shape: [chosen.length, 3, side, side], data } },
          labels: chosen.map(() => 0),
        };
      }
    },
  };
}
