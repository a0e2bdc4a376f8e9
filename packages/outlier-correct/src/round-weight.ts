import {
  adaRound,
  centred,
  decode,
  gptqSolver,
  outputEnergy,
  roundNearest,
  searchClips,
  symmetric,
  type Gram,
  type Matrix,
  type RoundingProblem,
  type UniformQuantizer,
} from '@cq/core';

export interface RoundingOptions {
  /** 2 to 8: symmetric, one scale per output. */
  readonly bits: number;
  /** `gptq`: solved, one input making up for the errors of those before it. `ada-round`: learned. */
  readonly method: 'gptq' | 'ada-round';
}

export interface Rounded {
  /** On its levels, [inputs, outputs]. */
  readonly data: Float32Array;
  readonly quantizer: UniformQuantizer;
  /** What is added to the bias of each output. */
  readonly biasChange: Float64Array;
  /** Signal to noise of the layer's output, in dB: rounded to the nearest code over the whole range, and now. */
  readonly sqnr: { readonly before: number; readonly after: number };
}

/** What a clip may leave of the largest magnitude among an output's weights. */
const clips = Array.from({ length: 11 }, (_, i) => 1 - 0.05 * i);

/** Of AdaRound. */
const [ITERATIONS, RATE] = [1000, 1e-2];

/**
 * Rounds a weight so that the layer's output on the tokens of a Gram matrix comes as near as can be: each output's clip is
 * the one with which GPTQ loses least, then its codes are solved or learned, and the bias makes up for the mean error.
 * @param seen With a row of ones.
 */
export async function roundWeight(
  { mask, ...weight }: Matrix,
  seen: Gram,
  { bits, method }: RoundingOptions,
): Promise<Rounded> {
  const { gram, means } = centred(seen);
  const problem = (quantizer: UniformQuantizer): RoundingProblem => ({ weight, quantizer, ...(mask && { mask }) });
  const solve = gptqSolver(gram);
  const { largest, clip } = searchClips({ ...weight, ...(mask && { mask }) }, bits, clips, solve);
  const quantizer = symmetric(bits, clip, 1);
  const codes =
    method === 'gptq'
      ? solve(problem(quantizer)).codes
      : await adaRound(problem(quantizer), gram, { iterations: ITERATIONS, rate: RATE });

  const data = decode(codes, weight.shape, quantizer);
  const lost = error(data);
  const biasChange = product(means, lost).map((sum) => -sum);
  const nearest = symmetric(bits, largest, 1);
  const rounded = decode(roundNearest(problem(nearest)), weight.shape, nearest);
  const decibels = (noise: Float32Array): number =>
    10 * Math.log10(outputEnergy(gram, error(new Float32Array(data.length))) / outputEnergy(gram, noise));
  return { data, quantizer, biasChange, sqnr: { before: decibels(error(rounded)), after: decibels(lost) } };

  function error(given: Float32Array): Float32Array {
    return given.map((value, i) => value - (mask ? mask[i]! : 1) * weight.data[i]!);
  }
}

/** xᵀ W: one number per output. */
function product(x: Float64Array, weights: Float32Array): Float64Array {
  const outputs = weights.length / x.length;
  const sums = new Float64Array(outputs);
  for (let k = 0; k < x.length; k++) {
    for (let n = 0; n < outputs; n++) sums[n]! += x[k]! * weights[k * outputs + n]!;
  }
  return sums;
}
