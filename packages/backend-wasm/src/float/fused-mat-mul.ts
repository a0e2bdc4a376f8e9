import { add, backend_util, engine, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { matMul, type MatMulAttrs } from './batch-mat-mul.ts';
import { provide } from './kernel.ts';

interface FusedMatMulAttrs extends MatMulAttrs {
  readonly activation?: backend_util.Activation;
  readonly leakyreluAlpha?: number;
}

/**
 * activation(a · b + bias). TensorFlow.js's own kernel is wrong where an operand is transposed or has a batch and the depth
 * exceeds 48.
 */
export function provideFusedMatMul(): void {
  provide<FusedMatMulAttrs>('_FusedMatMul', () => (call, { a, b, bias, preluActivationWeights }, attrs) => {
    const { activation = 'linear', leakyreluAlpha } = attrs;
    const columns = b!.shape.at(attrs.transposeB ? -2 : -1)!;
    const vector = bias && bias.shape.length === 1 && bias.shape[0] === columns;
    const product = matMul(call, '_FusedMatMul', a!, b!, attrs, vector ? bias : undefined);
    if (activation === 'linear' && (vector || !bias)) return product;
    return tidy(() => {
      const sums = engine().makeTensorFromTensorInfo(product);
      const shifted = bias && !vector ? add(sums, bias as Tensor) : sums;
      return backend_util.applyActivation(shifted, activation, preluActivationWeights as Tensor, leakyreluAlpha);
    });
  });
}
