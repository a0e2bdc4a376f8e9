import { sizeOf } from '@cq/core/runtime';
import { ensureFloats, provide } from './kernel.ts';

/** TensorFlow.js's own kernel is a scalar loop. */
export function provideErf(): void {
  provide('Erf', () => ({ kernels, at, make }, { x }) => {
    ensureFloats('Erf', { x: x! });
    const y = make(x!.shape);
    kernels.erf(at(x!), sizeOf(x!.shape), at(y));
    return y;
  });
}
