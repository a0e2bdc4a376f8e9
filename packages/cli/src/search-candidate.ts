import { compress, lower, pack, type Dataset, type Graph, type Pass } from '@cq/core';
import { passesFrom } from './config.ts';
import { latencies } from './latencies.ts';
import { mixedRecipe, weightsByBits, type PassConfig } from './mixed-recipe.ts';
import { answersOf, nearness } from './nearness.ts';
import type { WeightGroup } from './weight-groups.ts';

/** What a search is for. */
export interface Goal {
  /** Percentage points of accuracy that may be lost. */
  readonly maxDrop: number;
  readonly target: 'bytes' | 'latency';
}

/** A recipe that a search has looked at. */
export interface Candidate {
  readonly kind: 'uniform' | 'mixed';
  /** Weights of each width; 32: float. */
  readonly weights: Readonly<Record<string, number>>;
  /** Of the stored model. */
  readonly bytes: number;
  /** Of one example; where latency is the target. */
  readonly milliseconds?: number;
  /** Mean KL from the float model on the held-back examples. */
  readonly kl: number;
  readonly agreement: number;
  /** Percentage points of accuracy to count as lost, by the float model's own probabilities: the mean and a standard error. */
  readonly drop: number;
  readonly within: boolean;
}

/** With the recipe itself. */
export type Tried = Candidate & { readonly config: PassConfig };

/** On which data recipes are tried, and what is asked of them. */
export interface TrialOptions extends Goal {
  /** For activations. */
  readonly calibration: Dataset;
  /** Other examples, which decide. */
  readonly heldBack: Dataset;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Tries recipes on a model. */
export interface Trial {
  /** The model by these passes. */
  compressed(passes: readonly Pass[]): Promise<Graph>;
  /** What the recipe makes that gives each group the bits at its place. */
  look(kind: Candidate['kind'], bits: readonly number[]): Promise<Tried>;
  /** Milliseconds of the float model; 0 where latency is not the target. */
  readonly floatTime: number;
}

export async function trialOf(
  graph: Graph,
  groups: readonly WeightGroup[],
  { calibration, heldBack, seed, signal, maxDrop, target }: TrialOptions,
): Promise<Trial> {
  const float = await answersOf(graph, heldBack, signal);
  const floatTime = target === 'latency' ? latencies(graph, graph, float.inputs).before.median : 0;
  const compressed = async (passes: readonly Pass[]) =>
    (await compress(graph, passes, { calibration, seed, signal })).graph;
  /** In shares of the float model, which takes turns: what else the machine does at the time meets both. */
  const timeOf = (lowered: Graph): number => {
    const { before, after } = latencies(graph, lowered, float.inputs);
    return floatTime * (after.median / before.median);
  };
  return {
    compressed,
    floatTime,
    async look(kind, bits) {
      signal.throwIfAborted();
      const config = mixedRecipe(groups, bits);
      const lowered = lower(await compressed(passesFrom('recipe.json', config))).graph;
      const near = nearness(float, await answersOf(lowered, heldBack, signal));
      const drop = 100 * near.drop;
      return {
        ...{ kind, config, weights: weightsByBits(groups, bits) },
        bytes: (pack(lowered).weightData as ArrayBuffer).byteLength,
        ...(target === 'latency' && { milliseconds: timeOf(lowered) }),
        ...{ ...near, drop, within: drop <= maxDrop },
      };
    },
  };
}
