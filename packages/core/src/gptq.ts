import type { Gram } from './gram.ts';
import { linearFeedback, type FeedbackOptions } from './linear-feedback.ts';
import { quantizers } from './quantizer.ts';
import { checkedProblem, type RoundingProblem } from './rounding.ts';

/**
 * Rounds a weight one input at a time, each input making up for the errors of those before it. Codes: [inputs, outputs].
 * Source: GPTQ (Frantar et al. 2023, algorithm 1), as linear feedback.
 */
export function gptq(problem: RoundingProblem, gram: Gram, options: FeedbackOptions = {}): Int32Array {
  return gptqSolver(gram, options)(problem).codes;
}

/** Codes, and what they lose: of each output δᵀ (H + damping) δ / tokens, as `roundingLoss` but for the damping. */
export interface Solved {
  readonly codes: Int32Array;
  readonly loss: Float64Array;
}

/** `gptq` for many problems on one Gram matrix, which is factorised once. */
export function gptqSolver(gram: Gram, options: FeedbackOptions = {}): (problem: RoundingProblem) => Solved {
  const feedback = linearFeedback(gram, options);
  const { encoder, decoder } = quantizers.uniform;
  return (problem) => {
    const { outputs, values, quantizer, mask, channelOf } = checkedProblem('gptq', problem, gram);
    const codes = new Int32Array(values.length);
    const channels = Array.from({ length: outputs }, (_, n) => channelOf(n));
    const encoders = channels.map((channel) => encoder(quantizer, channel));
    const decoders = channels.map((channel) => decoder(quantizer, channel));
    const loss = feedback(values, (entry, wanted) => {
      const output = entry % outputs;
      const code = encoders[output]!(mask?.[entry] === 0 ? 0 : wanted);
      codes[entry] = code;
      return decoders[output]!(code);
    });
    return { codes, loss };
  };
}
