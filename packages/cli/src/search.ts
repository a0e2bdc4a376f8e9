import { canonicalize, CqError, quantizeUniform, quantizeWeights, type Graph } from '@cq/core';
import { allocations, sensitivity, type BitChoice } from '@cq/eval';
import { widths, type PassConfig } from './mixed-recipe.ts';
import { trialOf, type Candidate, type Goal, type Trial, type TrialOptions, type Tried } from './search-candidate.ts';
import { weightGroups, type WeightGroup } from './weight-groups.ts';

/** What a search looked at, and what it found. */
export interface Search extends Goal {
  /** Examples that decided: none of them calibrated. */
  readonly heldBack: number;
  readonly candidates: readonly Candidate[];
  /** Place of the one that was taken. */
  readonly chosen: number;
}

export interface SearchOptions extends TrialOptions {
  readonly progress: (label: string, done: number, total: number) => void;
}

/** Widths of uniform recipes. */
const CODED = [8, 4, 3] as const;

/** Held-back examples that order the groups; all of them decide. */
const SCREENED = 8;

/**
 * Bits for every group of weights, float among them: groups that read the same value (query, key and value) together, those
 * first that harm least for what they save. How far that may go is found by halving, on examples that did not calibrate.
 * @throws CqError if nothing keeps the goal.
 */
export async function searchRecipe(
  model: Graph,
  { progress, ...options }: SearchOptions,
): Promise<{ readonly config: PassConfig; readonly search: Search }> {
  const graph = canonicalize(model);
  const groups = weightGroups(graph);
  const total = 2 * CODED.length + Math.ceil(Math.log2(1 + 3 * groups.length)) + CODED.length;
  let done = 0;
  const step = (label: string): void => progress(label, done++, total);

  const trial = await trialOf(graph, groups, options);
  const losses = await lossesAlone(trial, groups, options, (bits) => step(`sensitivity at ${bits} bits`));
  const tried: Tried[] = [];
  const look = async (kind: Candidate['kind'], bits: readonly number[]): Promise<Candidate> => {
    step(`${kind} recipe`);
    tried.push(await trial.look(kind, bits));
    return tried.at(-1)!;
  };
  const times = new Map<number, number>([[32, trial.floatTime]]);
  for (const bits of CODED) {
    const { milliseconds = 0 } = await look('uniform', groups.map(() => bits)); // prettier-ignore
    times.set(bits, milliseconds);
  }
  const cost = ({ size, channels }: WeightGroup, bits: number): number => {
    if (options.target === 'latency') return times.get(bits)! * size;
    return bits === 32 ? 4 * size : (size * bits) / 8 + 4 * channels;
  };
  const choices = groups.map((group, i) =>
    widths.map((bits): BitChoice => ({ bits, cost: cost(group, bits), loss: losses(i, bits) })),
  );
  const way = mixtures(choices);
  // What a mixture is worth where a uniform recipe costs as much.
  for (const bits of CODED) {
    const same = sumOf(groups.map((group) => cost(group, bits)));
    const place = way.findIndex((mixture) => mixture.cost <= same);
    if (place > 0) await look('mixed', way[place]!.bits);
  }
  let [kept, broken] = [0, way.length]; // The beginning is the model as it came.
  while (broken - kept > 1) {
    const middle = (kept + broken) >> 1;
    if ((await look('mixed', way[middle]!.bits)).within) kept = middle;
    else broken = middle;
  }
  return found(tried, options);
}

/** What a group's weights and what they multiply harm, each alone, by its place and bits. */
async function lossesAlone(
  trial: Trial,
  groups: readonly WeightGroup[],
  { heldBack, signal }: TrialOptions,
  step: (bits: number) => void,
): Promise<(group: number, bits: number) => number> {
  const losses = new Map<number, ReadonlyMap<string, number>>();
  for (const bits of CODED) {
    step(bits);
    const pass = bits === 8 ? quantizeUniform() : quantizeWeights({ bits, range: 'mse' });
    const { values } = await sensitivity(await trial.compressed([pass]), heldBack, {
      ...{ limit: SCREENED, screen: SCREENED, worst: 0, signal },
      values: groups.flatMap(({ weights, operand }) => [...weights, operand]),
    });
    losses.set(bits, new Map(values.map(({ value, alone }) => [value, alone.kl])));
  }
  return (group, bits) => {
    if (bits === 32) return 0;
    const { weights, operand } = groups[group]!;
    return sumOf([...weights.map((name) => losses.get(bits)!.get(name)), losses.get(8)!.get(operand)]);
  };
}

/** The mixtures of bits worth looking at, the dearest first. */
function mixtures(choices: readonly (readonly BitChoice[])[]) {
  return allocations(choices).map((allocation) => {
    const taken = allocation.map((choice, group) => choices[group]![choice]!);
    return { bits: taken.map(({ bits }) => bits), cost: sumOf(taken.map(({ cost }) => cost)) };
  });
}

function found(
  tried: readonly Tried[],
  { maxDrop, target, heldBack }: TrialOptions,
): { readonly config: PassConfig; readonly search: Search } {
  const best = bestOf(tried, target);
  if (!best) {
    const least = tried.reduce((low, { drop }) => Math.min(low, drop), Infinity);
    throw new CqError(
      `compress: no recipe keeps --max-drop ${maxDrop}; the least that any of ${tried.length} loses on ${heldBack.size} held-back examples is ${least.toFixed(2)} points: allow more, or give more calibration data`,
    );
  }
  const candidates = tried.map(({ config: _, ...candidate }) => candidate);
  return {
    config: best.config,
    search: { ...{ maxDrop, target, heldBack: heldBack.size, candidates }, chosen: tried.indexOf(best) },
  };
}

/** The cheapest within the goal. None that a uniform recipe of no more bytes is nearer to the float model than. */
export function bestOf<C extends Candidate>(candidates: readonly C[], target: Goal['target']): C | undefined {
  const cost = ({ bytes, milliseconds = 0 }: Candidate): number => (target === 'bytes' ? bytes : milliseconds);
  const uniform = candidates.filter(({ kind }) => kind === 'uniform');
  return candidates
    .filter(({ within, bytes, kl }) => within && !uniform.some((other) => other.bytes <= bytes && other.kl < kl))
    .sort((a, b) => cost(a) - cost(b) || a.kl - b.kl)[0];
}

const sumOf = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
