import {
  add,
  div,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  oneHot,
  softmax,
  square,
  sub,
  sum,
  tensor1d,
  type Tensor,
} from '@tensorflow/tfjs-core';

/** What a student learns from: the teacher's outputs, the labels, the teacher's hidden states, its attention. */
export type Loss = (typeof lossNames)[number];

export const lossNames = ['soft', 'labels', 'hidden', 'attention'] as const;

/**
 * T² · KL( softmax(z_t / T) ‖ softmax(z_s / T) ), the mean over rows [batch, classes]. T² keeps the size of the gradients
 * while T changes. Source: Hinton et al. 2015, section 2.
 */
export function softTargets(logits: Tensor, teacher: Tensor, temperature: number): Tensor {
  const softened = div(teacher, temperature);
  const difference = sub(logSoftmax(softened), logSoftmax(div(logits, temperature)));
  return mul(mean(sum(mul(softmax(softened), difference), -1)), temperature ** 2);
}

/** −log softmax(z)[y], the mean over rows [batch, classes]. */
export function hardLabels(logits: Tensor, labels: readonly number[]): Tensor {
  const chosen = oneHot(tensor1d([...labels], 'int32'), logits.shape.at(-1)!);
  return neg(mean(sum(mul(chosen, logSoftmax(logits)), -1)));
}

/** The mean squared distance of values [batch, tokens, hidden]. Source: TinyBERT (Jiao et al. 2020), eq. 8. */
export function hiddenDistance(hidden: Tensor, teacher: Tensor): Tensor {
  return mean(square(sub(hidden, teacher)));
}

/** Lest the logarithm of a probability that has become 0 be infinite. */
const TINY = 1e-7;

/**
 * KL( A_t ‖ A_s ) of attention probabilities [batch, heads, queries, keys], the mean over the other axes; of the means over
 * heads where their numbers differ. Source: MiniLM (Wang et al. 2020), eq. 2; the means over heads are ours.
 */
export function attentionDivergence(probabilities: Tensor, teacher: Tensor): Tensor {
  const alike = probabilities.shape[1] === teacher.shape[1];
  const [own, given] = alike ? [probabilities, teacher] : [mean(probabilities, 1), mean(teacher, 1)];
  const difference = sub(log(add(given!, TINY)), log(add(own!, TINY)));
  return mean(sum(mul(given!, difference), -1));
}
