import { gather, mul, pad, reshape, sum, tensor1d, tidy, transpose, type Tensor } from '@tensorflow/tfjs-core';
import type { Granularity } from '../runtime/granularity.ts';

/** One number per scale → a tensor that broadcasts over the shape of the quantized value. */
export function spread(perScale: Tensor, shape: readonly number[], { axis, group }: Granularity): Tensor {
  if (axis === undefined) return reshape(perScale, []);
  if (group === undefined) {
    return reshape(
      perScale,
      shape.map((size, i) => (i === axis ? size : 1)),
    );
  }
  return tidy(() => {
    const [channels, entries] = matrixOf(shape, axis);
    const groupOf = Int32Array.from({ length: entries }, (_, k) => Math.floor(k / group));
    const byChannel = gather(reshape(perScale, [channels, -1]), tensor1d(groupOf, 'int32'), 1);
    return axis === 0 ? byChannel : transpose(byChannel);
  });
}

/** Sums of a · b over the entries that share a scale: the gradient of `spread`. [scales] */
export function sumPerScale(a: Tensor, b: Tensor, { axis, group }: Granularity): Tensor {
  return tidy(() => {
    const product = mul(a, b);
    const { shape } = product;
    if (axis === undefined) return reshape(sum(product), [1]);
    if (group === undefined) {
      return sum(
        product,
        shape.map((_, i) => i).filter((i) => i !== axis),
      );
    }
    const [channels, entries] = matrixOf(shape, axis);
    const groups = Math.ceil(entries / group);
    const padding: [number, number][] = [
      [0, 0],
      [0, groups * group - entries],
    ];
    const padded = pad(axis === 0 ? product : transpose(product), padding);
    return reshape(sum(reshape(padded, [channels, groups, group]), 2), [channels * groups]);
  });
}

const matrixOf = (shape: readonly number[], axis: number): readonly [channels: number, entries: number] => [
  shape[axis]!,
  shape[1 - axis]!,
];
