import { util } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { provide } from './kernel.ts';

interface SumAttrs {
  readonly axis: number | number[] | undefined;
  readonly keepDims?: boolean;
}

/**
 * Sums over the first axes, as the gradient of a bias is: TensorFlow.js's own kernel, which takes all others, transposes
 * the whole tensor for them.
 */
export function provideSum(): void {
  provide<SumAttrs>('Sum', (stock) => ({ kernels, backend, at, make }, { x }, attrs) => {
    const { shape, dtype } = x!;
    const axes = util.parseAxisParam(attrs.axis as number | number[], shape).sort((a, b) => a - b);
    const first = axes.length < shape.length && axes.every((axis, i) => axis === i);
    if (dtype !== 'float32' || !first || axes.length === 0) {
      return stock!({ inputs: { x: x! }, backend, attrs: attrs as never });
    }
    const rest = shape.slice(axes.length);
    const y = make(attrs.keepDims ? [...axes.map(() => 1), ...rest] : rest);
    kernels.sumRows(at(x!), sizeOf(shape.slice(0, axes.length)), sizeOf(rest), at(y));
    return y;
  });
}
