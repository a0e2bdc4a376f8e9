import { util } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { provide } from './kernel.ts';

interface TransposeAttrs {
  readonly perm: readonly number[];
}

/** Axes that TensorFlow.js's own kernel has a loop for; with more of them it takes 90 ns for each number. */
const LOOPS = 4;
const MOST = 6;

/** Five and six axes, as cutting an image into patches has. */
export function provideTranspose(): void {
  provide<TransposeAttrs>('Transpose', (stock) => ({ kernels, backend, at, make }, { x }, attrs) => {
    const { shape, dtype } = x!;
    const turned = attrs.perm.map((axis) => shape[axis]!);
    if (sizeOf(shape) === 0) return backend.makeOutput(turned, dtype); // TensorFlow.js's own divides by its size
    const axes = attrs.perm.filter((axis) => shape[axis] !== 1);
    if (axes.length <= LOOPS || axes.length > MOST || (dtype !== 'float32' && dtype !== 'int32')) {
      return stock!({ inputs: { x: x! }, backend, attrs: attrs as never });
    }
    const y = make(turned, dtype);
    const steps = [...util.computeStrides([...shape]), 1];
    const absent = Array<number>(MOST - axes.length).fill(1);
    const sizes = [...absent, ...axes.map((axis) => shape[axis]!)];
    kernels.transpose(at(x!), ...sizes, ...absent, ...axes.map((axis) => steps[axis]!), at(y));
    return y;
  });
}
