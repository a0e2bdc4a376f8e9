import { sizeOf } from '@cq/core/runtime';
import { ensureFloats, ensureShape, provide } from './kernel.ts';

interface GeluAttrs {
  /** The form with tanh. */
  readonly approximate: boolean;
}

/** x · Φ(x), and dy times its slope. */
export function provideGelu(): void {
  provide<GeluAttrs>('CqFusedGelu', () => ({ kernels, at, make }, { x }, { approximate }) => {
    ensureFloats('CqFusedGelu', { x: x! });
    const y = make(x!.shape);
    kernels.gelu(at(x!), sizeOf(x!.shape), Number(approximate), at(y));
    return y;
  });
  provide<GeluAttrs>('CqFusedGeluGrad', () => ({ kernels, at, make }, { dy, x }, { approximate }) => {
    ensureFloats('CqFusedGeluGrad', { dy: dy!, x: x! });
    ensureShape('CqFusedGeluGrad', 'dy', dy!, x!.shape);
    const dx = make(x!.shape);
    kernels.geluGrad(at(dy!), at(x!), sizeOf(x!.shape), Number(approximate), at(dx));
    return dx;
  });
}
