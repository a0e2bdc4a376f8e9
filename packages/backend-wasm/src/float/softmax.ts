import { ensureFloats, ensureShape, provide } from './kernel.ts';
import { rowsOf } from './layer-norm.ts';

/** exp(x) of the last axis, divided by its sum; and its gradient, which needs the result alone. */
export function provideSoftmax(): void {
  provide('CqFusedSoftmax', () => ({ kernels, at, make }, { x }) => {
    ensureFloats('CqFusedSoftmax', { x: x! });
    const [rows, columns] = rowsOf('CqFusedSoftmax', x!);
    const y = make(x!.shape);
    kernels.softmax(at(x!), rows, columns, at(y));
    return y;
  });
  provide('CqFusedSoftmaxGrad', () => ({ kernels, at, make }, { dy, y }) => {
    ensureFloats('CqFusedSoftmaxGrad', { dy: dy!, y: y! });
    ensureShape('CqFusedSoftmaxGrad', 'dy', dy!, y!.shape);
    const [rows, columns] = rowsOf('CqFusedSoftmaxGrad', y!);
    const dx = make(y!.shape);
    kernels.softmaxGrad(at(dy!), at(y!), rows, columns, at(dx));
    return dx;
  });
}
