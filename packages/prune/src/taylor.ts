import { CqError, maskedData, objective, randomOf, type Graph, type PassContext, type Random } from '@cq/core';
import { getGradient, logSoftmax, mul, neg, oneHot, reshape, sum, tensor1d, type Tensor } from '@tensorflow/tfjs-core';
import type { Group } from './groups.ts';
import { perUnit } from './per-unit.ts';

/**
 * E (Σ_unit w · ∂L/∂w)² over the calibration examples, L = −log p(y | x), y drawn from the model's own answer p(· | x).
 * So no labels are needed, and it is to second order twice the KL divergence that leaving the unit out would bring
 * between the model and itself, since the mean of the squared gradient of −log p is the Fisher matrix. (The gradient of
 * that divergence itself is 0.) For a head or a channel, whose matrix is the one that reads it, the inner sum is the
 * gradient by a gate on the unit, as in Michel et al. 2019.
 *
 * Source: the squared first-order term, Molchanov et al. 2019; Fisher pruning, Theis et al. 2018; with labels from the
 * model (reconstruction).
 * @throws CqError if TensorFlow.js's gradients are not there, or not finite.
 */
export async function taylor(
  graph: Graph,
  groups: readonly Group[],
  { data: { calibration }, seed, signal, progress }: PassContext,
): Promise<readonly Float64Array[]> {
  if (!getGradient('BatchMatMul')) {
    throw new CqError(
      'prune: score taylor needs gradients, got none registered; in Node import @tensorflow/tfjs-layers',
    );
  }
  const squares = groups.map(({ units }) => new Float64Array(units));
  const weights = groups.map(({ parts: [{ weight }] }) => graph.weights.get(weight)!);
  const parameters = new Map(weights.map(({ name, data }) => [name, data as Float32Array]));
  const masked = weights.map((weight) => maskedData(graph, weight));
  const { value } = graph.outputs[0]!;
  let random: Random;
  const model = objective(graph, { values: [value], loss: ({ values }) => surprise(values[value]!, random) });
  let done = 0;
  try {
    for await (const batch of calibration!.batches(1)) {
      signal.throwIfAborted();
      random = randomOf(seed, done);
      const { loss, gradients } = await model.gradients(parameters, batch, { step: 0, steps: 1, random });
      if (!Number.isFinite(loss))
        throw new CqError(`prune: the loss of example ${done + 1} must be finite, got ${loss}`);
      for (const [i, { units, parts }] of groups.entries()) {
        const slope = gradients.get(parts[0].weight)!;
        const lost = perUnit(units, parts[0], (entry) => masked[i]![entry]! * slope[entry]!);
        lost.forEach((effect, unit) => (squares[i]![unit]! += effect ** 2));
      }
      progress(++done, calibration!.size);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    model.dispose();
  }
  if (done === 0) throw new CqError(`prune: ${calibration!.name}: there are no examples`);
  return squares.map((sums) => sums.map((sum) => sum / done));
}

/** −Σ log p(y) over the rows of logits [.., classes], each y drawn from the row's own distribution. */
function surprise(logits: Tensor, random: Random): Tensor {
  const classes = logits.shape.at(-1)!;
  const values = logits.dataSync();
  const drawn = Array.from({ length: values.length / classes }, (_, row) =>
    draw(values.subarray(row * classes, (row + 1) * classes), random),
  );
  const rows = reshape(logits, [-1, classes]);
  return neg(sum(mul(logSoftmax(rows), oneHot(tensor1d(drawn, 'int32'), classes))));
}

/** A class by the softmax of its logit. */
function draw(logits: ArrayLike<number>, random: Random): number {
  const values = Array.from(logits);
  const top = values.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const weights = values.map((logit) => Math.exp(logit - top));
  let left = random.uniform() * weights.reduce((total, weight) => total + weight, 0);
  const drawn = weights.findIndex((weight) => (left -= weight) < 0);
  return drawn < 0 ? weights.length - 1 : drawn;
}
