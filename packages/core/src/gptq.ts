import { upperFactor } from './cholesky.ts';
import type { Gram } from './gram.ts';
import { quantizers } from './quantizer.ts';
import { checkedProblem, type RoundingProblem } from './rounding.ts';

/** Damping and order of GPTQ. */
export interface GptqOptions {
  /** Added to the diagonal of H, as a fraction of its mean. */
  readonly damping?: number;
  /** Which inputs are rounded first: as they stand, or those of the largest diagonal, which nothing can make up for. */
  readonly order?: 'given' | 'diagonal';
}

/** Outputs rounded together, so that their errors stay in the cache. */
const COLUMNS = 32;

/**
 * Rounds a weight one input at a time, each input making up for the errors of those before it. Codes: [inputs, outputs].
 *
 * With H = (U + I) D (U + I)ᵀ, U strictly upper, the loss is Σ_k D_k (e_k + Σ_{j<k} U_jk e_j)², e = weight − decoded; so
 * input k is rounded after adding Σ_{j<k} U_jk e_j to it. This is GPTQ (Frantar et al. 2023, algorithm 1) without the
 * inverse of H: the two are the same (Chee et al. 2023, QuIP, theorem 6).
 */
export function gptq(problem: RoundingProblem, gram: Gram, options: GptqOptions = {}): Int32Array {
  return gptqSolver(gram, options)(problem).codes;
}

/** Codes, and what they lose: of each output δᵀ (H + damping) δ / tokens, as `roundingLoss` but for the damping. */
export interface Solved {
  readonly codes: Int32Array;
  readonly loss: Float64Array;
}

/** `gptq` for many problems on one Gram matrix, which is factorised once. */
export function gptqSolver(
  gram: Gram,
  { damping = 0.01, order = 'given' }: GptqOptions = {},
): (problem: RoundingProblem) => Solved {
  const size = gram.size - (gram.ones ? 1 : 0);
  const sequence = inputOrder(gram, size, order);
  const { feedback, pivots } = feedbackOf(gram, sequence, damping);
  const { encoder, decoder } = quantizers.uniform;
  return (problem) => {
    const { inputs, outputs, values, quantizer, mask, channelOf } = checkedProblem('gptq', problem, gram);
    const codes = new Int32Array(inputs * outputs);
    const loss = new Float64Array(outputs);
    const errors = new Float64Array(inputs * COLUMNS);
    const target = new Float64Array(COLUMNS);
    for (let first = 0; first < outputs; first += COLUMNS) {
      const width = Math.min(COLUMNS, outputs - first);
      const channels = Array.from({ length: width }, (_, n) => channelOf(first + n));
      const encoders = channels.map((channel) => encoder(quantizer, channel));
      const decoders = channels.map((channel) => decoder(quantizer, channel));
      for (let k = 0; k < inputs; k++) {
        const row = sequence[k]! * outputs + first;
        target.fill(0);
        for (let j = 0; j < k; j++) {
          const factor = feedback[k * inputs + j]!;
          const error = j * COLUMNS;
          for (let n = 0; n < COLUMNS; n++) target[n]! += factor * errors[error + n]!;
        }
        for (let n = 0; n < width; n++) {
          const value = values[row + n]!;
          const masked = mask?.[row + n] === 0;
          const code = encoders[n]!(masked ? 0 : value + target[n]!);
          codes[row + n] = code;
          const error = value - decoders[n]!(code);
          errors[k * COLUMNS + n] = error;
          loss[first + n]! += (pivots[k]! * (error + target[n]!) ** 2) / gram.tokens;
        }
      }
    }
    return { codes, loss };
  };
}

function inputOrder({ matrix, size }: Gram, inputs: number, order: 'given' | 'diagonal'): readonly number[] {
  const sequence = Array.from({ length: inputs }, (_, i) => i);
  if (order === 'given') return sequence;
  const diagonal = (i: number): number => matrix[i * size + i]!;
  return sequence.sort((a, b) => diagonal(b) - diagonal(a) || a - b);
}

/** Uᵀ, row-major [inputs, inputs] in the order of rounding: row k holds what errors j < k add to input k; and D. */
function feedbackOf(
  { matrix, size }: Gram,
  sequence: readonly number[],
  damping: number,
): { readonly feedback: Float64Array; readonly pivots: Float64Array } {
  const count = sequence.length;
  const ordered = new Float64Array(count * count);
  for (const [i, from] of sequence.entries()) {
    for (const [j, to] of sequence.entries()) ordered[i * count + j] = matrix[from * size + to]!;
  }
  const factor = upperFactor(ordered, count, damping);
  const feedback = new Float64Array(count * count);
  for (let k = 0; k < count; k++) {
    for (let j = 0; j < k; j++) feedback[k * count + j] = factor[j * count + k]! / factor[k * count + k]!;
  }
  return { feedback, pivots: Float64Array.from({ length: count }, (_, k) => factor[k * count + k]! ** 2) };
}
