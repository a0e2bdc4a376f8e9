import { CqError } from './errors.ts';
import type { Weight } from './graph.ts';
import type { Gram } from './gram.ts';
import { encode, type UniformQuantizer } from './quantizer.ts';

/** A weight of a linear layer to be rounded. */
export interface RoundingProblem {
  /** float32 [inputs, outputs]. */
  readonly weight: Pick<Weight, 'name' | 'shape' | 'data'>;
  /** One scale per output (axis 1) or one for the tensor. */
  readonly quantizer: UniformQuantizer;
  /** 0 where a mask keeps the weight at zero, [inputs, outputs]. */
  readonly mask?: Float32Array;
}

/** The problem with its sizes checked and its mask applied. Columns are outputs. */
export interface CheckedProblem {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs], masked. */
  readonly values: Float32Array;
  readonly quantizer: UniformQuantizer;
  readonly mask?: Float32Array;
  channelOf(output: number): number;
}

/** Every weight to its nearest code, halves to the even one: [inputs, outputs]. */
export function roundNearest(problem: RoundingProblem): Int32Array {
  const { values, inputs, outputs, quantizer } = checkedProblem('nearest', problem);
  return encode(values, [inputs, outputs], quantizer);
}

/**
 * What the layer's output loses, one number per output: δᵀ H δ / tokens with δ = its column of decoded codes − weights,
 * the mean over tokens of the squared error on the inputs that H was gathered from.
 */
export function roundingLoss(problem: RoundingProblem, codes: Int32Array, gram: Gram): Float64Array {
  const { values, inputs, outputs, quantizer, channelOf } = checkedProblem('rounding loss', problem, gram);
  const loss = new Float64Array(outputs);
  const errors = Float64Array.from(codes, (code, i) => {
    const channel = channelOf(i % outputs);
    return (code - quantizer.zeroPoint[channel]!) * quantizer.scale[channel]! - values[i]!;
  });
  const row = new Float64Array(outputs);
  for (let i = 0; i < inputs; i++) {
    row.fill(0);
    for (let k = 0; k < inputs; k++) {
      const h = gram.matrix[i * gram.size + k]!;
      for (let n = 0; n < outputs; n++) row[n]! += h * errors[k * outputs + n]!;
    }
    for (let n = 0; n < outputs; n++) loss[n]! += (errors[i * outputs + n]! * row[n]!) / gram.tokens;
  }
  return loss;
}

/** @throws CqError if the weight is no float matrix, or quantizer, mask or Gram matrix do not fit it. */
export function checkedProblem(
  method: string,
  { weight: { name, shape, data }, quantizer, mask }: RoundingProblem,
  gram?: Gram,
): CheckedProblem {
  const [inputs, outputs] = shape;
  const fail = (rule: string, got: unknown): never => {
    throw new CqError(`${method}: "${name}": ${rule}, got ${String(got)}`);
  };
  if (!(data instanceof Float32Array) || inputs === undefined || outputs === undefined || shape.length !== 2) {
    return fail('must be a float32 matrix [inputs, outputs]', `[${shape.join(', ')}]`);
  }
  const scales = quantizer.scale.length;
  if (quantizer.axis === undefined ? scales !== 1 : quantizer.axis !== 1 || scales !== outputs) {
    return fail('needs one scale, or one per output along axis 1', `${scales} along ${quantizer.axis ?? 'none'}`);
  }
  if (gram && gram.size - (gram.ones ? 1 : 0) !== inputs) {
    return fail(`needs a Gram matrix of ${inputs} channels`, gram.size - (gram.ones ? 1 : 0));
  }
  if (mask && mask.length !== data.length) return fail(`needs a mask of ${data.length} values`, mask.length);
  return {
    inputs,
    outputs,
    quantizer,
    values: mask ? data.map((value, i) => (mask[i] === 0 ? 0 : value)) : data,
    ...(mask && { mask }),
    channelOf: (output) => (scales === 1 ? 0 : output),
  };
}
