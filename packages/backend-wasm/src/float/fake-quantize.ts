import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { ensure, ensureFloats, ensureShape, provide, type Inputs } from './kernel.ts';

interface UniformAttrs {
  /** −1: one scale for the tensor. */
  readonly axis: number;
  /** Least and largest code. */
  readonly low: number;
  readonly high: number;
}

/**
 * decode(encode(x)) of a uniform quantizer in one sweep; and the gradients of x and of the scale, straight through. x: any
 * shape; scale, zeroPoint: float32 [1], or [channels] of the axis.
 */
export function provideFakeQuantize(): void {
  provide<UniformAttrs>('CqFakeQuantizeUniform', () => ({ kernels, at, make }, inputs, { axis, low, high }) => {
    const { x, scale, zeroPoint } = inputs;
    const sizes = partsOf('CqFakeQuantizeUniform', inputs, axis);
    const y = make(x!.shape);
    kernels.fakeQuantize(at(x!), ...sizes, at(scale!), at(zeroPoint!), low, high, at(y));
    return y;
  });
  provide<UniformAttrs>('CqFakeQuantizeUniformGrad', () => (call, inputs, { axis, low, high }) => {
    const { dy, x, scale, zeroPoint } = inputs;
    const sizes = partsOf('CqFakeQuantizeUniformGrad', inputs, axis);
    ensureShape('CqFakeQuantizeUniformGrad', 'dy', dy!, x!.shape);
    const { kernels, at, make, scratch } = call;
    const [dx, dscale] = [make(x!.shape), make(scale!.shape)] as const;
    kernels.fakeQuantizeGrad(
      ...[at(dy!), at(x!), ...sizes, at(scale!), at(zeroPoint!), low, high, at(dx), at(dscale)],
      scratch(kernels.fakeQuantizeGradScratch(sizes[1])),
    );
    return [dx, dscale];
  });
}

/** The tensor as [outer, channels, inner]. */
export function partsOf(
  kernel: string,
  inputs: Inputs,
  axis: number,
): readonly [outer: number, channels: number, inner: number] {
  ensureFloats(kernel, inputs);
  const { shape } = inputs['x'] as TensorInfo;
  ensure(axis >= -1 && axis < shape.length, kernel, `axis must be -1 to ${shape.length - 1}`, axis);
  const channels = axis < 0 ? 1 : shape[axis]!;
  for (const name of ['scale', 'zeroPoint']) if (inputs[name]) ensureShape(kernel, name, inputs[name], [channels]);
  return axis < 0 ? [1, 1, sizeOf(shape)] : [sizeOf(shape.slice(0, axis)), channels, sizeOf(shape.slice(axis + 1))];
}
