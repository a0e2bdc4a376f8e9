import { ensure, ensureShape, provide, type Inputs } from './kernel.ts';
import { partsOf } from './fake-quantize.ts';

interface CellsAttrs {
  /** −1: one scale for the tensor. */
  readonly axis: number;
}

/**
 * decode(encode(x)) of a quantizer by table in one sweep; and the gradients of x and of the scale, straight through. x: any
 * shape; scale: float32 [1], or [channels] of the axis; levels: float32 [2^bits]; boundaries: float32 [2^bits − 1].
 */
export function provideFakeQuantizeCells(): void {
  provide<CellsAttrs>('CqFakeQuantizeCells', () => ({ kernels, at, make }, inputs, { axis }) => {
    const { x, scale, levels, boundaries } = inputs;
    const sizes = partsOf('CqFakeQuantizeCells', inputs, axis);
    const count = countOf('CqFakeQuantizeCells', inputs);
    const y = make(x!.shape);
    kernels.fakeQuantizeCells(at(x!), ...sizes, at(scale!), at(boundaries!), at(levels!), count, at(y));
    return y;
  });
  provide<CellsAttrs>('CqFakeQuantizeCellsGrad', () => (call, inputs, { axis }) => {
    const { dy, x, scale, levels, boundaries } = inputs;
    const sizes = partsOf('CqFakeQuantizeCellsGrad', inputs, axis);
    const count = countOf('CqFakeQuantizeCellsGrad', inputs);
    ensureShape('CqFakeQuantizeCellsGrad', 'dy', dy!, x!.shape);
    const { kernels, at, make, scratch } = call;
    const [dx, dscale] = [make(x!.shape), make(scale!.shape)] as const;
    kernels.fakeQuantizeCellsGrad(
      ...[at(dy!), at(x!), ...sizes, at(scale!), at(boundaries!), at(levels!), count, at(dx), at(dscale)],
      scratch(kernels.fakeQuantizeCellsGradScratch(sizes[1])),
    );
    return [dx, dscale];
  });
}

function countOf(kernel: string, { levels, boundaries }: Inputs): number {
  const [count = 0] = levels!.shape;
  const isPower = count > 1 && Number.isInteger(Math.log2(count));
  ensure(isPower, kernel, 'levels must be a power of two, at least 2', count);
  ensureShape(kernel, 'levels', levels!, [count]);
  ensureShape(kernel, 'boundaries', boundaries!, [count - 1]);
  return count;
}
