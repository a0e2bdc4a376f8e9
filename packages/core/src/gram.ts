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

export interface GramOptions {
  readonly ones?: boolean;
  /** Whether `addTokens` will be given float inputs. */
  readonly cross?: boolean;
}

/** A Gram matrix being summed. Rows are padded to whole tiles; only the upper triangle is kept up. */
export interface GramSum extends Required<GramOptions> {
  readonly channels: number;
  readonly stride: number;
  readonly matrix: Float64Array;
  readonly crossMatrix: Float64Array;
  tokens: number;
  weight: number;
}

/** Tokens summed together, and the tile of the inner loop. */
const BLOCK = 64;
const TILE = 4;

const padded = (size: number): number => Math.ceil(size / TILE) * TILE;

export function startGram(channels: number, { ones = false, cross = false }: GramOptions = {}): GramSum {
  const stride = padded(channels + (ones ? 1 : 0));
  return {
    ones,
    cross,
    channels,
    stride,
    matrix: new Float64Array(stride * stride),
    crossMatrix: new Float64Array(cross ? padded(channels) * stride : 0),
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
  const { channels, stride, ones, cross } = sum;
  const tokens = quantized.length / channels;
  const left = new Float64Array(stride * BLOCK);
  const right = new Float64Array(stride * BLOCK);
  const target = new Float64Array(cross ? padded(channels) * BLOCK : 0);
  for (let start = 0; start < tokens; start += BLOCK) {
    const count = Math.min(BLOCK, tokens - start);
    if (count < BLOCK) [left, right, target].forEach((block) => block.fill(0));
    for (let t = 0; t < count; t++) {
      const lambda = weights ? weights[start + t]! : 1;
      sum.weight += lambda;
      if (lambda > 0) sum.tokens++;
      for (let c = 0; c < channels; c++) {
        const x = quantized[(start + t) * channels + c]!;
        left[c * BLOCK + t] = x;
        right[c * BLOCK + t] = lambda * x;
        if (cross) target[c * BLOCK + t] = float![(start + t) * channels + c]!;
      }
      if (ones) [left[channels * BLOCK + t], right[channels * BLOCK + t]] = [1, lambda];
    }
    addProducts(sum.matrix, left, right, stride, stride, true);
    if (cross) addProducts(sum.crossMatrix, target, right, padded(channels), stride, false);
  }
}

/** @throws CqError if there were no tokens, or values that are not finite. */
export function finishGram({ channels, stride, ones, cross, ...sum }: GramSum, value: string): Gram {
  if (sum.tokens === 0) throw new CqError(`gram: "${value}" was never seen, or was 0 throughout`);
  const size = channels + (ones ? 1 : 0);
  const factor = sum.tokens / sum.weight;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++)
      matrix[i * size + j] = factor * sum.matrix[Math.min(i, j) * stride + Math.max(i, j)]!;
    if (!Number.isFinite(matrix[i * size + i]!)) throw new CqError(`gram: "${value}" takes NaN or infinite values`);
  }
  const found: Gram = { size, ones, matrix, tokens: sum.tokens };
  if (!cross) return found;
  const crossMatrix = new Float64Array(channels * size);
  for (let i = 0; i < channels; i++) {
    for (let j = 0; j < size; j++) crossMatrix[i * size + j] = factor * sum.crossMatrix[i * stride + j]!;
  }
  return { ...found, cross: crossMatrix };
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

/** target[i, j] += Σ_t left[i, t] · right[j, t], a tile of 4 × 4 at a time; if `upper`, only tiles with j ≥ i. */
function addProducts(
  target: Float64Array,
  left: Float64Array,
  right: Float64Array,
  rows: number,
  columns: number,
  upper: boolean,
): void {
  for (let i = 0; i < rows; i += TILE) {
    const [a0, a1, a2, a3] = [i * BLOCK, (i + 1) * BLOCK, (i + 2) * BLOCK, (i + 3) * BLOCK];
    for (let j = upper ? i : 0; j < columns; j++) {
      const b = j * BLOCK;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let t = 0; t < BLOCK; t++) {
        const x = right[b + t]!;
        s0 += left[a0 + t]! * x;
        s1 += left[a1 + t]! * x;
        s2 += left[a2 + t]! * x;
        s3 += left[a3 + t]! * x;
      }
      const at = i * columns + j;
      target[at]! += s0;
      target[at + columns]! += s1;
      target[at + 2 * columns]! += s2;
      target[at + 3 * columns]! += s3;
    }
  }
}
