import { CqError, type LossInputs } from '@cq/core';
import { addN, mul, type Tensor } from '@tensorflow/tfjs-core';
import { ANSWER, answerOf } from './answers.ts';
import type { ValuePairs } from './layer-pairs.ts';
import { attentionDivergence, hardLabels, hiddenDistance, softTargets } from './losses.ts';
import type { DistillOptions } from './options.ts';

/** The sum of the losses that were chosen: the mean of the examples, and of the pairs of values. */
export function trainingLoss(
  { values, batch, labels }: LossInputs,
  output: string,
  { hidden, attention }: ValuePairs,
  { losses, alpha, temperature }: DistillOptions,
): Tensor {
  const logits = values[output]!;
  const [soft, hard] = [losses.includes('soft'), losses.includes('labels')];
  const terms: Tensor[] = [];
  if (soft) {
    const answer = batch[ANSWER];
    if (!answer) throw new CqError('distill: loss soft needs a teacher, or data with its answers, got neither');
    terms.push(mul(softTargets(logits, answer, temperature), hard ? alpha : 1));
  }
  if (hard) {
    if (!labels) throw new CqError('distill: loss labels needs training data with labels, got some without');
    terms.push(mul(hardLabels(logits, labels), soft ? 1 - alpha : 1));
  }
  for (const [pairs, compare] of [
    [hidden, hiddenDistance],
    [attention, attentionDivergence],
  ] as const) {
    for (const { student, teacher } of pairs)
      terms.push(mul(compare(values[student]!, batch[answerOf(teacher)]!), 1 / pairs.length));
  }
  return addN(terms);
}
