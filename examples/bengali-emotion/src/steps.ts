import { compress, int8, type Dataset, type Graph, type Pass } from '@cq/core';
import { folderStore } from '@cq/core/node';
import { sample } from '@cq/data';
import { distill, student } from '@cq/distill';
import { prune, shrink } from '@cq/prune';
import { join } from 'node:path';
import { depthOf } from './depth-of.ts';
import type { Effort } from './effort.ts';
import type { Shape, Step } from './preset.ts';

/** What the steps work with. */
export interface Workshop {
  readonly teacher: Graph;
  /** What the teacher was before it learned the task, if that is known. */
  readonly language?: Graph;
  /** The training texts with the teacher's answers. */
  readonly training: Dataset;
  readonly effort: Effort;
  readonly seed: number;
  /** Where finished steps are kept, each under the steps that led to it: cells share what they begin with. */
  readonly folder: string;
  say(line: string): void;
}

/** Half of the teacher, from its own weights. */
export const studentOf = (teacher: Graph, shape: Shape): Graph => {
  const heads = [...teacher.nodes.values()].find(({ op }) => op === 'AttentionLogits')!.attrs['heads'] as number;
  if (shape === 'half depth') return student(teacher, { layers: depthOf(teacher) / 2 });
  const gamma = [...teacher.nodes.values()].find(({ op }) => op === 'LayerNorm')!.inputs[1]!;
  return student(teacher, { hidden: teacher.weights.get(gamma)!.shape[0]! / 2, heads: heads / 2 });
};

/** How the student learns. Chosen on a part of the training texts that was held back. */
export const learning = { rate: 2e-4, temperature: 2, part: 8 } as const;

/** How a student learns that has none of the teacher's weights, from the teacher or from labels: likewise. */
export const firstLearning = { ...learning, rate: 3e-4 } as const;

/**
 * Fraction of the MLP channels that P leaves out. Heads stay: of so small a model each matters. On training texts, half of
 * them gone, it agrees with its teacher on 50 %, three quarters of the channels gone on 83 %, both before recovery.
 */
const PRUNED = 13 / 16;

/** The passes of a step. Without D before it, what pruning cost is won back from labels alone. */
export function passesOf(step: Step, distilled: boolean, { effort }: Workshop): readonly Pass[] {
  const { distillation, recovery, batchSize } = effort;
  switch (step) {
    case 'D':
      return [distill({ ...learning, losses: ['soft'], steps: distillation, batchSize })];
    case 'P':
      return [
        prune({ structure: 'channel', sparsity: PRUNED, score: 'wanda' }),
        shrink(),
        distill({ ...learning, losses: [distilled ? 'soft' : 'labels'], steps: recovery, batchSize }),
      ];
    case 'Q':
      return int8();
  }
}

/** A graph after one more step, from the folder if it was taken before. `name` says which steps led here. */
export async function taken(graph: Graph, name: string, passes: readonly Pass[], workshop: Workshop): Promise<Graph> {
  const { training, effort, seed, folder, say } = workshop;
  const start = performance.now();
  const calibration = sample(training, effort.calibration, seed);
  const store = folderStore(join(folder, 'steps', name));
  const result = await compress(graph, passes, { training, calibration, seed, store });
  say(`${name} ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return result.graph;
}
