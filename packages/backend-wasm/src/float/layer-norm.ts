import { sizeOf } from '@cq/core/runtime';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ensure, ensureFloats, ensureShape, provide } from './kernel.ts';

interface LayerNormAttrs {
  readonly epsilon: number;
}

/** Rows of the last axis to mean 0 and variance 1, times gamma, plus beta; and the gradients of all three. */
export function provideLayerNorm(): void {
  provide<LayerNormAttrs>('CqFusedLayerNorm', () => ({ kernels, at, make }, { x, gamma, beta }, { epsilon }) => {
    ensureFloats('CqFusedLayerNorm', { x: x!, gamma: gamma!, beta: beta! });
    const [rows, channels] = rowsOf('CqFusedLayerNorm', x!);
    ensureShape('CqFusedLayerNorm', 'gamma', gamma!, [channels]);
    ensureShape('CqFusedLayerNorm', 'beta', beta!, [channels]);
    const y = make(x!.shape);
    kernels.layerNorm(at(x!), rows, channels, at(gamma!), at(beta!), epsilon, at(y));
    return y;
  });
  provide<LayerNormAttrs>('CqFusedLayerNormGrad', () => ({ kernels, at, make }, { dy, x, gamma }, { epsilon }) => {
    ensureFloats('CqFusedLayerNormGrad', { dy: dy!, x: x!, gamma: gamma! });
    const [rows, channels] = rowsOf('CqFusedLayerNormGrad', x!);
    ensureShape('CqFusedLayerNormGrad', 'dy', dy!, x!.shape);
    ensureShape('CqFusedLayerNormGrad', 'gamma', gamma!, [channels]);
    const [dx, dgamma, dbeta] = [make(x!.shape), make([channels]), make([channels])] as const;
    const addresses = [at(dx), at(dgamma), at(dbeta)] as const;
    kernels.layerNormGrad(at(dy!), at(x!), rows, channels, at(gamma!), epsilon, ...addresses);
    return [dx, dgamma, dbeta];
  });
}

/** Rows and their length, which is at least 1. */
export function rowsOf(kernel: string, { shape }: TensorInfo): readonly [rows: number, columns: number] {
  const columns = shape.at(-1) ?? 0;
  ensure(columns > 0, kernel, 'the last axis must not be empty', `[${shape.join(', ')}]`);
  return [sizeOf(shape) / columns, columns];
}
