import { matMul, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { CqError } from './errors.ts';
import type { Statistic } from './statistics.ts';

/**
 * All that rounding needs to know about the inputs of a layer, whatever their number: second moments over tokens.
 * x̂ is what the quantized model feeds the layer, x what the float model feeds it, λ_t the weight of token t.
 * Source: AOCQ's token-weighted loss in Hessian form (reconstruction; methods 5.4); GPTQ (Frantar et al. 2023) with λ = 1.
 */
export interface Gram {
  /** Channels of the layer's input, and one more if `ones`. */
  readonly size: number;
  /** Whether the last row and column stand for an input that is always 1, whose weight is the bias. */
  readonly ones: boolean;
  /** H = Σ_t λ_t x̂_t x̂_tᵀ: symmetric, row-major [size, size]. */
  readonly matrix: Float64Array;
  /** Σ_t λ_t x_t x̂_tᵀ: row-major [channels, size]. Absent if no float inputs were given. */
  readonly cross?: Float64Array;
  /** Number of tokens; the λ_t have mean 1, so it is their sum too. */
  readonly tokens: number;
}

/** What is summed beside the products of channels. */
export interface GramOptions {
  /** Whether there is a channel more that is always 1, for a bias. */
  readonly ones?: boolean;
  /** Whether `addTokens` will be given float inputs. */
  readonly cross?: boolean;
}

/** A Gram matrix being summed. */
export interface GramSum extends Required<GramOptions> {
  readonly channels: number;
  readonly size: number;
  readonly matrix: Float64Array;
  readonly crossMatrix: Float64Array;
  tokens: number;
  weight: number;
}

/** Tokens whose products are summed in float32, by TensorFlow.js's current backend; these sums are added in float64. */
const BLOCK = 256;

/** A Gram matrix of no tokens yet, for so many channels. */
export function startGram(channels: number, { ones = false, cross = false }: GramOptions = {}): GramSum {
  const size = channels + (ones ? 1 : 0);
  return {
    ...{ ones, cross, channels, size },
    matrix: new Float64Array(size * size),
    crossMatrix: new Float64Array(cross ? channels * size : 0),
    tokens: 0,
    weight: 0,
  };
}

/**
 * Adds tokens in place. quantized, float: [tokens, channels]; weights: one per token, of any common factor, 1 by default.
 * Tokens of weight 0 do not count.
 */
export function addTokens(
  sum: GramSum,
  quantized: Float32Array,
  { float, weights }: { readonly float?: Float32Array; readonly weights?: ArrayLike<number> } = {},
): void {
  const { channels, size, ones, cross } = sum;
  const tokens = quantized.length / channels;
  for (let start = 0; start < tokens; start += BLOCK) {
    const count = Math.min(BLOCK, tokens - start);
    const [left, right] = [new Float32Array(size * count), new Float32Array(count * size)];
    const target = new Float32Array(cross ? channels * count : 0);
    for (let t = 0; t < count; t++) {
      const lambda = weights ? weights[start + t]! : 1;
      sum.weight += lambda;
      if (lambda > 0) sum.tokens++;
      for (let c = 0; c < channels; c++) {
        const at = (start + t) * channels + c;
        left[c * count + t] = quantized[at]!;
        right[t * size + c] = lambda * quantized[at]!;
        if (cross) target[c * count + t] = float![at]!;
      }
      if (ones) [left[channels * count + t], right[t * size + channels]] = [1, lambda];
    }
    addProduct(sum.matrix, left, right, count);
    if (cross) addProduct(sum.crossMatrix, target, right, count);
  }
}

/** target += left · right;  left: [rows, count], right: [count, columns]. */
function addProduct(target: Float64Array, left: Float32Array, right: Float32Array, count: number): void {
  const [rows, columns] = [left.length / count, right.length / count];
  const product = tidy(() => matMul(tensor2d(left, [rows, count]), tensor2d(right, [count, columns])));
  const sums = product.dataSync<'float32'>();
  product.dispose();
  for (let i = 0; i < sums.length; i++) target[i]! += sums[i]!;
}

/** @throws CqError if there were no tokens, or values that are not finite. */
export function finishGram({ channels, size, ones, cross, ...sum }: GramSum, value: string): Gram {
  if (sum.tokens === 0) throw new CqError(`gram: "${value}" was never seen, or was 0 throughout`);
  const factor = sum.tokens / sum.weight;
  const matrix = sum.matrix.map((total) => factor * total);
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(matrix[i * size + i]!)) throw new CqError(`gram: "${value}" takes NaN or infinite values`);
    for (let j = 0; j < i; j++) matrix[i * size + j] = matrix[j * size + i]!; // λ is on one side only.
  }
  const found: Gram = { size, ones, matrix, tokens: sum.tokens };
  return cross ? { ...found, cross: sum.crossMatrix.map((total) => factor * total) } : found;
}

/** The Gram matrix of one observed value, [..., channels]; `weighted` by its own `tokenWeights`. */
export function gram({
  ones = false,
  weighted = false,
}: { readonly ones?: boolean; readonly weighted?: boolean } = {}): Statistic<GramSum | undefined, Gram> {
  return {
    start: () => undefined,
    update(state, values, shape) {
      const sum = state ?? startGram(shape.at(-1)!, { ones });
      addTokens(sum, values, weighted ? { weights: inverseEnergies(values, sum.channels) } : {});
      return sum;
    },
    finish(state, value) {
      if (!state) throw new CqError(`gram: "${value}" was never seen; the data are empty`);
      return finishGram(state, value);
    },
  };
}

/**
 * λ_t ∝ 1 / mean_c x²[t, c] with mean 1, so that tokens of a huge norm do not own the loss; 0 for a token of zeros.
 * x: [tokens, channels]. Source: AOCQ, loss level (reconstruction; methods 5.4).
 */
export function tokenWeights(x: Float32Array, channels: number): Float64Array {
  const weights = inverseEnergies(x, channels);
  const counted = weights.filter((weight) => weight > 0);
  const mean = counted.reduce((total, weight) => total + weight, 0) / counted.length;
  return weights.map((weight) => (weight > 0 ? weight / mean : 0));
}

/** `tokenWeights` before they are given the mean 1, which takes all tokens: the form that `addTokens` takes. */
export function inverseEnergies(x: Float32Array, channels: number): Float64Array {
  return Float64Array.from({ length: x.length / channels }, (_, t) => {
    let energy = 0;
    for (let c = 0; c < channels; c++) energy += x[t * channels + c]! ** 2;
    return energy > 0 ? channels / energy : 0;
  });
}
