import { upperFactor } from './cholesky.ts';
import type { Gram } from './gram.ts';

/** Damping and order of linear feedback. */
export interface FeedbackOptions {
  /** Added to the diagonal of H, as a fraction of its mean. */
  readonly damping?: number;
  /** Which inputs are settled first: as they stand, or those of the largest diagonal, which nothing can make up for. */
  readonly order?: 'given' | 'diagonal';
}

/** Outputs settled together, so that their errors stay in the cache. */
const COLUMNS = 32;

/**
 * Replaces the entries of a weight one input at a time, each input making up for the errors of those before it.
 *
 * With H = (U + I) D (U + I)ᵀ, U strictly upper, the loss is Σ_k D_k (e_k + Σ_{j<k} U_jk e_j)², e = weight − its
 * replacement; so what input k should become is its weight + Σ_{j<k} U_jk e_j. `choose` is asked for something near that:
 * a level of a quantizer gives GPTQ (Frantar et al. 2023), which goes by the inverse of H and comes to the same (Chee et
 * al. 2023, QuIP, theorem 6); 0 where a mask says so, and elsewhere what was wanted, SparseGPT (Frantar and Alistarh 2023).
 * @returns A function of a weight, [inputs, outputs], and `choose(entry, wanted)`: what each output loses,
 * δᵀ (H + damping) δ / tokens.
 */
export function linearFeedback(
  gram: Gram,
  { damping = 0.01, order = 'given' }: FeedbackOptions = {},
): (values: Float32Array, choose: (entry: number, wanted: number) => number) => Float64Array {
  const inputs = gram.size - (gram.ones ? 1 : 0);
  const sequence = inputOrder(gram, inputs, order);
  const { feedback, pivots } = feedbackOf(gram, sequence, damping);
  return (values, choose) => {
    const outputs = values.length / inputs;
    const loss = new Float64Array(outputs);
    const errors = new Float64Array(inputs * COLUMNS);
    const target = new Float64Array(COLUMNS);
    for (let first = 0; first < outputs; first += COLUMNS) {
      const width = Math.min(COLUMNS, outputs - first);
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
          const error = value - choose(row + n, value + target[n]!);
          errors[k * COLUMNS + n] = error;
          loss[first + n]! += (pivots[k]! * (error + target[n]!) ** 2) / gram.tokens;
        }
      }
    }
    return loss;
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
