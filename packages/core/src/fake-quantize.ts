import { registerOp } from '@tensorflow/tfjs-converter';
import {
  add,
  clipByValue,
  customGrad,
  div,
  greaterEqual,
  lessEqual,
  logicalAnd,
  mul,
  reshape,
  round,
  sub,
  sum,
  tensor1d,
  tidy,
  where,
  zerosLike,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { CqError } from './errors.ts';
import { codeRange } from './runtime/arithmetic.ts';

/**
 * How TensorFlow.js runs the two annotations while a model is being compressed:
 *
 *     CqMask(x, mask)                                      x · mask; the gradient is masked too
 *     CqFakeQuantize(x, scale) {kind, bits, signed, …}     decode(encode(x)); the gradient passes straight through inside the range
 *
 * The gradient of a scale is LSQ's (Esser et al. 2020): round(v) − v inside, the clipped code outside, without LSQ's
 * normalising factor, which belongs to the optimiser.
 */
export function registerAnnotations(): void {
  registerOp('CqMask', ({ inputs: [x, mask] }) => mul(x!, mask!));
  registerOp('CqFakeQuantize', ({ inputs: [x, scale], attrs }) => {
    if (attrs['kind'] !== 'uniform')
      throw new CqError(`CqFakeQuantize: kind must be "uniform", got "${String(attrs['kind'])}"`);
    return fakeQuantizeUniform(x!, scale!, {
      bits: attrs['bits'] as number,
      signed: attrs['signed'] as boolean,
      zeroPoint: attrs['zero_point'] as number[],
      axis: attrs['axis'] as number,
    });
  });
}

interface UniformAttrs {
  readonly bits: number;
  readonly signed: boolean;
  readonly zeroPoint: readonly number[];
  /** -1: one scale for the tensor. */
  readonly axis: number;
}

/** decode(encode(x)) of a uniform quantizer. x: any shape; scale: [1] or [channels]. */
export function fakeQuantizeUniform(x: Tensor, scale: Tensor, { bits, signed, zeroPoint, axis }: UniformAttrs): Tensor {
  const [low, high] = codeRange(bits, signed);
  const aligned = x.shape.map((size, i) => (i === axis ? size : 1));
  const align = (t: Tensor): Tensor => (axis < 0 ? reshape(t, []) : reshape(t, aligned));
  const shifted = zeroPoint.some((zero) => zero !== 0);

  return customGrad((...given) => {
    const [input, step, save] = given as unknown as [Tensor, Tensor, (tensors: Tensor[]) => void];
    const scaled = div(input, align(step));
    const zero = shifted ? align(tensor1d([...zeroPoint])) : undefined;
    const clipped = zero
      ? sub(clipByValue(add(round(scaled), zero), low, high), zero)
      : clipByValue(round(scaled), low, high);
    save([scaled, clipped, step]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [v, level, s] = saved as [Tensor, Tensor, Tensor];
      const inside = tidy(() => {
        const rounded = zero ? add(round(v), align(tensor1d([...zeroPoint]))) : round(v);
        return logicalAnd(greaterEqual(rounded, low), lessEqual(rounded, high));
      });
      const dx = where(inside, dy, zerosLike(dy));
      const slope = sub(level, where(inside, v, zerosLike(v)));
      const others = v.shape.map((_, i) => i).filter((i) => i !== axis);
      return [dx, reshape(sum(mul(dy, slope), axis < 0 ? undefined : others), s.shape)];
    };
    return { value: mul(clipped, align(step)), gradFunc: gradFunc as never };
  })(x, scale);
}
