import {
  canonicalize,
  compress,
  consumersOf,
  CqError,
  executor,
  lower,
  pack,
  quantizableWeights,
  quantizeUniform,
  quantizeWeights,
  sourceOf,
  tipOf,
  type Dataset,
  type Graph,
  type Pass,
} from '@cq/core';
import { agreementCounter, allocations, isHit, sensitivity, type Allocation, type BitChoice } from '@cq/eval';
import { passesFrom } from './config.ts';
import { latencies } from './latencies.ts';

export interface Goal {
  /** Percentage points of accuracy that may be lost. */
  readonly maxDrop: number;
  readonly target: 'bytes' | 'latency';
}

/** What a search looked at, and what it found. */
export interface Search extends Goal {
  /** Examples that decided: none of them calibrated. */
  readonly heldBack: number;
  /** What `drop` is: lost accuracy and its standard error, or, without labels, the share of changed answers. */
  readonly measure: 'accuracy' | 'agreement';
  readonly candidates: readonly Candidate[];
  /** Place of the one that was taken. */
  readonly chosen: number;
}

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
  /** In percentage points. */
  readonly drop: number;
  readonly within: boolean;
}

export interface PassConfig {
  readonly passes: readonly { readonly name: string; readonly options: Readonly<Record<string, unknown>> }[];
}

export interface SearchOptions extends Goal {
  readonly calibration: Dataset;
  readonly heldBack: Dataset;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (label: string, done: number, total: number) => void;
}

const WIDTHS = [8, 4, 3] as const;

/** Held-back examples that order the groups; all of them decide. */
const SCREENED = 16;

/**
 * Bits for every group of weights, float among them: groups that read the same value (query, key and value) together, those
 * first that harm least for what they save. How far that may go is found by halving, on examples that did not calibrate.
 * Activations have 8 bits wherever what they meet has codes.
 * @throws CqError if nothing keeps the goal.
 */
export async function searchRecipe(
  model: Graph,
  options: SearchOptions,
): Promise<{ readonly config: PassConfig; readonly search: Search }> {
  const { calibration, heldBack, seed, signal, maxDrop, target, progress } = options;
  const graph = canonicalize(model);
  const groups = groupsOf(graph);
  const total = 2 * WIDTHS.length + Math.ceil(Math.log2(1 + 3 * groups.length)) + WIDTHS.length;
  let done = 0;
  const step = (label: string): void => progress(label, done++, total);
  const run = async (passes: readonly Pass[]) => (await compress(graph, passes, { calibration, seed, signal })).graph;

  const losses = new Map<number, ReadonlyMap<string, number>>();
  for (const bits of WIDTHS) {
    step(`sensitivity at ${bits} bits`);
    const annotated = await run(bits === 8 ? [quantizeUniform()] : [quantizeWeights({ bits, range: 'mse' })]);
    const found = await sensitivity(annotated, heldBack, { limit: SCREENED, screen: SCREENED, worst: 0, signal });
    losses.set(bits, new Map(found.values.map(({ value, alone }) => [value, alone.kl])));
  }
  const float = await answersOf(graph, heldBack);
  const inputs = float[0]!.inputs;
  const candidates: (Candidate & { readonly config: PassConfig })[] = [];
  const look = async (kind: Candidate['kind'], widths: readonly number[]): Promise<Candidate> => {
    step(`${kind} recipe`);
    signal.throwIfAborted();
    const config = configOf(groups, widths);
    const lowered = lower(await run(passesFrom('recipe.json', config))).graph;
    const { drop, ...near } = await nearness(lowered, heldBack, float);
    const count = (bits: number): number =>
      groups.reduce((sum, { weights }, i) => sum + (widths[i] === bits ? weights.length : 0), 0);
    const candidate = {
      ...{ kind, config, weights: Object.fromEntries([3, 4, 8, 32].map((bits) => [bits, count(bits)])) },
      bytes: (pack(lowered).weightData as ArrayBuffer).byteLength,
      ...(target === 'latency' && { milliseconds: latencies(graph, lowered, inputs).after.median }),
      ...{ ...near, drop: 100 * drop, within: 100 * drop <= maxDrop },
    };
    candidates.push(candidate);
    return candidate;
  };

  const uniform = new Map<number, Candidate>();
  for (const bits of WIDTHS)
    uniform.set(
      bits,
      await look(
        'uniform',
        groups.map(() => bits),
      ),
    );
  const time = (bits: number): number =>
    uniform.get(bits)?.milliseconds ?? latencies(graph, graph, inputs).before.median;
  const perWeight = new Map([32, ...WIDTHS].map((bits) => [bits, target === 'latency' ? time(bits) : 0]));
  const choices = groups.map(({ weights, operand, size, channels }) =>
    [32, ...WIDTHS].map((bits): BitChoice => ({
      bits,
      cost:
        target === 'latency' ? perWeight.get(bits)! * size : bits === 32 ? 4 * size : (size * bits) / 8 + 4 * channels,
      loss:
        bits === 32 ? 0 : sumOf([...weights.map((name) => losses.get(bits)!.get(name)), losses.get(8)!.get(operand)]),
    })),
  );
  const way = allocations(choices);
  const widthsAt = (place: number): readonly number[] => widthsOf(choices, way[place]!);
  const costAt = (place: number): number => sumOf(way[place]!.map((choice, i) => choices[i]![choice]!.cost));
  // What a mixture is worth where a uniform recipe costs as much.
  for (const bits of WIDTHS) {
    const cost = sumOf(choices.map((group) => group.find((choice) => choice.bits === bits)!.cost));
    const place = way.findIndex((_, i) => costAt(i) <= cost);
    if (place > 0) await look('mixed', widthsAt(place));
  }
  let [kept, broken] = [0, way.length]; // The beginning is the model as it came.
  while (broken - kept > 1) {
    const middle = (kept + broken) >> 1;
    if ((await look('mixed', widthsAt(middle))).within) kept = middle;
    else broken = middle;
  }
  const best = bestOf(candidates, target);
  if (!best) {
    const least = candidates.reduce((low, { drop }) => Math.min(low, drop), Infinity);
    throw new CqError(
      `compress: no recipe keeps --max-drop ${maxDrop}; the least that any of ${candidates.length} loses on ${heldBack.size} held-back examples is ${least.toFixed(2)} points: allow more, or give more calibration data`,
    );
  }
  const search: Search = {
    ...{ maxDrop, target, heldBack: heldBack.size, measure: float[0]!.label === undefined ? 'agreement' : 'accuracy' },
    candidates: candidates.map(({ config: _, ...candidate }) => candidate),
    chosen: candidates.indexOf(best),
  };
  return { config: best.config, search };
}

/** The cheapest within the goal. None that a uniform recipe of no more bytes is nearer to the float model than. */
export function bestOf<C extends Candidate>(candidates: readonly C[], target: Goal['target']): C | undefined {
  const cost = ({ bytes, milliseconds = 0 }: Candidate): number => (target === 'bytes' ? bytes : milliseconds);
  const uniform = candidates.filter(({ kind }) => kind === 'uniform');
  return candidates
    .filter(({ within, bytes, kl }) => within && !uniform.some((other) => other.bytes <= bytes && other.kl < kl))
    .sort((a, b) => cost(a) - cost(b) || a.kl - b.kl)[0];
}

interface Group {
  readonly weights: readonly string[];
  /** What they multiply, or the table itself. */
  readonly operand: string;
  /** Entries, and outputs, which have a scale each. */
  readonly size: number;
  readonly channels: number;
}

/** Weights that multiply the same value; each table for itself. In network order. */
function groupsOf(graph: Graph): readonly Group[] {
  const found = new Map<string, string[]>();
  for (const name of quantizableWeights(graph)) {
    const reader = consumersOf(graph, tipOf(graph, name)).find(({ op }) => op === 'MatMul');
    const operand = reader ? sourceOf(graph, reader.inputs[0]!) : name;
    found.set(operand, [...(found.get(operand) ?? []), name]);
  }
  return [...found].map(([operand, weights]) => {
    const shapes = weights.map((name) => graph.weights.get(name)!.shape as [number, number]);
    return {
      ...{ operand, weights, size: sumOf(shapes.map(([rows, columns]) => rows * columns)) },
      channels: sumOf(shapes.map(([, columns]) => columns)),
    };
  });
}

const sumOf = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

const widthsOf = (choices: readonly (readonly BitChoice[])[], allocation: Allocation): readonly number[] =>
  allocation.map((choice, group) => choices[group]![choice]!.bits);

/** The recipe as a config file of `cq compress`. */
function configOf(groups: readonly Group[], widths: readonly number[]): PassConfig {
  const of = (bits: number): string[] => groups.flatMap(({ weights }, i) => (widths[i] === bits ? weights : []));
  const few = ([3, 4] as const).flatMap((bits) =>
    of(bits).length === 0 ? [] : [{ name: 'quantize-weights', options: { bits, range: 'mse', only: of(bits) } }],
  );
  const float = of(32);
  const rest = { name: 'quantize-uniform', options: { ...(float.length > 0 && { ignore: float }) } };
  return { passes: [...few, rest] };
}

interface FloatAnswer {
  readonly inputs: Parameters<ReturnType<typeof executor>['run']>[0];
  readonly logits: Float32Array;
  readonly label: number | undefined;
}

async function answersOf(graph: Graph, data: Dataset): Promise<readonly FloatAnswer[]> {
  const answers: FloatAnswer[] = [];
  for await (const [inputs, logits, label] of outputs(graph, data)) {
    answers.push({ inputs: answers.length === 0 ? inputs : {}, logits, label });
  }
  return answers;
}

async function* outputs(graph: Graph, data: Dataset) {
  const model = executor(graph);
  try {
    for await (const { inputs, labels } of data.batches(1)) {
      const [output] = model.run(inputs, [graph.outputs[0]!.name]);
      const logits = output!.dataSync<'float32'>();
      output!.dispose();
      yield [inputs, logits, labels?.[0]] as const;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    model.dispose();
  }
}

/** How near a model is to the float one, and the drop to count on: the mean and one standard error. */
async function nearness(graph: Graph, data: Dataset, float: readonly FloatAnswer[]) {
  const counter = agreementCounter();
  const lost: number[] = [];
  let at = 0;
  for await (const [, logits] of outputs(graph, data)) {
    const { logits: came, label } = float[at++]!;
    counter.add(came, logits);
    if (label !== undefined) lost.push(Number(isHit(came, label)) - Number(isHit(logits, label)));
  }
  const { kl, agreement } = counter.result();
  if (lost.length < at) return { kl, agreement, drop: 1 - agreement };
  const mean = sumOf(lost) / at;
  const variance = sumOf(lost.map((loss) => (loss - mean) ** 2)) / Math.max(1, at - 1);
  return { kl, agreement, drop: mean + Math.sqrt(variance / at) };
}
