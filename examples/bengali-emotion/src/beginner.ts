import { edit, type Graph } from '@cq/core';
import { student } from '@cq/distill';
import { depthOf } from './depth-of.ts';

/**
 * The half-depth student before it has learned anything of the task: with the weights of a model that knows the language alone,
 * where that has such ones, and random numbers elsewhere.
 */
export function beginner(teacher: Graph, language: Graph | undefined, seed: number): Graph {
  const untrained = student(teacher, { layers: depthOf(teacher) / 2, initialise: 'seed', seed });
  const weights = [...untrained.weights.values()].flatMap((weight) => {
    const known =
      weight.dtype === 'float32' && weight.shape.length > 0 ? language?.weights.get(weight.name) : undefined;
    return known && String(known.shape) === String(weight.shape) ? [{ ...weight, data: known.data }] : [];
  });
  return edit(untrained, { weights });
}
