import {
  annotatedValue,
  blocks,
  definePass,
  edit,
  evenly,
  heldBack,
  inputsInTurn,
  partOf,
  quantizableWeights,
  quantizerOf,
  readSnapshot,
  redirect,
  removeDead,
  roles,
  select,
  writeSnapshot,
  type Checkpoint,
  type Graph,
  type PassContext,
  type Passed,
  type Scope,
} from '@cq/core';
import { bitSchedules } from './bits-at.ts';
import { importances, type Importance } from './importance.ts';
import { keepGraph, keptGraph } from './kept-graph.ts';
import { quantizeRegion, weightIn, type Pair, type Runs } from './quantize-block.ts';
import { reconstruct, type ReconstructOptions, type Saved } from './reconstruct.ts';

/** Bits at both ends, and the training between. */
export interface DeclineBitsOptions extends Scope, ReconstructOptions {
  /** Calibration examples that decide what is kept: nothing is fitted on them. */
  readonly heldBack: number;
  /** What errors of a block's output count: all the same, or by how much the model's answer depends on each place. */
  readonly importance: 'none' | 'answer';
  /** Whether what lies outside of blocks (patches, classifier) gets the target's bits too. */
  readonly strict: boolean;
}

/**
 * Weights and activations of few bits, block after block: codes by least-error ranges and GPTQ, then trained towards the
 * float block's output while bits decline from `from` to `to`. What the first block reads and what the blocks make of it stay wide;
 * `quantizeUniform` gives them their codes afterwards.
 * Source: TP-ViT (Zhou et al. 2026; reconstruction, methods 4.4), after I&S-ViT (Zhong et al. 2023) and QDrop (Wei et al. 2022).
 */
export const declineBits = definePass<DeclineBitsOptions>({
  name: 'decline-bits',
  defaults: {
    ...{ from: 6, to: 4, schedule: 'mix', iterations: 600, batchSize: 8, rate: 8e-3, keep: 1, heldBack: 8 },
    ...{ importance: 'answer', strict: false },
  },
  needs: ['calibration'],
  check({ from, to, schedule, iterations, batchSize, rate, keep, heldBack, importance, strict }) {
    for (const [name, bits] of Object.entries({ from, to })) {
      if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `${name} must be 2 to 8 bits, got ${bits}`;
    }
    if (from < to) return `from must be at least to, ${to}, got ${from}`;
    if (!bitSchedules.includes(schedule))
      return `schedule must be one of ${bitSchedules.join(', ')}, got "${schedule}"`;
    if (!Number.isInteger(iterations) || iterations < 0)
      return `iterations must be a whole number from 0, got ${iterations}`;
    for (const [name, value] of Object.entries({ batchSize, heldBack })) {
      if (!Number.isInteger(value) || value < 1) return `${name} must be a whole number from 1, got ${value}`;
    }
    if (!(rate > 0)) return `rate must be above 0, got ${rate}`;
    if (!(keep >= 0 && keep <= 1)) return `keep must be in [0, 1], got ${keep}`;
    if (!['none', 'answer'].includes(importance)) return `importance must be none or answer, got "${importance}"`;
    return typeof strict === 'boolean' || `strict must be true or false, got ${String(strict)}`;
  },

  async run(given, options, context) {
    const float = withoutQuantizers(given);
    const matrices = quantizableWeights(given).filter((name) => given.weights.get(name)!.shape.length === 2);
    const all = [...matrices, ...roles(given, (weight) => matrices.includes(weight)).keys()];
    const selected = new Set(select('decline-bits', all, options));
    const chosen = chosenIn(given, matrices, selected, options.strict);
    for (const value of all) {
      if (!selected.has(value)) context.skipped(value, 'outside the scope');
      else if (quantizerOf(given, value)) context.skipped(value, 'quantized already');
    }
    if (chosen.weights.size === 0) return given;
    return inTurn({ quantized: given, float }, chosen, options, context);
  },
});

interface Chosen {
  readonly weights: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
}

function chosenIn(graph: Graph, matrices: readonly string[], selected: ReadonlySet<string>, strict: boolean): Chosen {
  const inside = new Set(blocks(graph).flatMap(({ nodes }) => nodes));
  const weights = [...graph.nodes.values()].flatMap((node) => {
    const weight = weightIn(graph, node);
    const fits =
      weight !== undefined && matrices.includes(weight) && selected.has(weight) && (strict || inside.has(node.name));
    return fits && !quantizerOf(graph, weight) ? [weight] : [];
  });
  return { weights: new Set(weights), values: selected };
}

/** Calibration examples that say what errors count. */
const IMPORTANCE_EXAMPLES = 48;

/** What is said of a block in the report. */
type Line = readonly [value: string, details: Readonly<Record<string, unknown>>];

async function inTurn(pair: Pair, chosen: Chosen, options: DeclineBitsOptions, context: PassContext): Promise<Graph> {
  const { signal, store, seed } = context;
  const calibration = context.data.calibration!;
  const trains = options.iterations > 0;
  const all = Array.from({ length: calibration.size }, (_, i) => i);
  const shares = trains ? heldBack(calibration.size, options.heldBack) : { used: all, held: [] };
  const examples = shares.used;
  const begun = pair;
  const parts = blocks(pair.float);
  const codes = {
    examples,
    bits: options.to,
    free: (value: string) => chosen.values.has(value),
    ofWeights: chosen.weights,
  };
  const capturing = { batchSize: 8, signal };
  let weights: ReadonlyMap<string, Importance> = new Map();
  if (options.importance === 'answer' && trains) {
    const indices = evenly(examples.length, IMPORTANCE_EXAMPLES).map((i) => examples[i]!);
    weights = await importances(pair.float, parts, calibration, { indices, seed, signal });
  }
  let passed: { readonly float: Passed; readonly quantized: Passed } | undefined;
  const lines: Line[] = [];
  const say = (value: string, details: Readonly<Record<string, unknown>>): void => {
    lines.push([value, details]);
    context.changed(value, details);
  };
  const steps = parts.length * Math.max(1, options.iterations) + 1;
  try {
    for (const [k, block] of parts.entries()) {
      if (!block.nodes.some((name) => isChosen(pair.float, name, chosen) || chosen.values.has(name))) continue;
      const kept = store && (await keptPair(store, k, begun));
      if (kept) {
        for (const line of kept.lines) say(...line);
        pair = kept.pair;
      }
      const following = store && kept && (await store.read(`block${k + 1}`)) !== undefined;
      if (following) continue;
      const last = passed;
      passed = kept
        ? undefined
        : {
            float: await inputsInTurn(pair.float, block, calibration, last?.float, capturing),
            quantized: await inputsInTurn(pair.quantized, block, calibration, last?.quantized, capturing),
          };
      await last?.float.inputs.dispose();
      await last?.quantized.inputs.dispose();
      if (!passed) continue;
      lines.length = 0;
      pair = await quantizeRegion(pair, block, runsOf(passed), codes, { ...context, changed: say });
      if (trains) {
        const key = `block${k}-training`;
        const saved = store && (await keptTraining(store, key));
        const aims = { ...passed.float, graph: pair.float };
        const quantized = await reconstruct(
          pair.quantized,
          passed.quantized,
          aims,
          weights.get(block.output),
          options,
          {
            ...{ seed: seed + 1000 * k, signal, shares },
            ...(saved && { saved }),
            ...(store && { save: (training) => keepTraining(store, key, training) }),
            progress: (done) => context.progress(k * options.iterations + done, steps),
          },
        );
        await store?.remove(key);
        const { graph, ...details } = quantized;
        pair = { ...pair, quantized: graph };
        say(block.output, { role: 'block', block: k, ...details });
      }
      if (store) await keepPair(store, k, pair, begun, lines);
      context.progress((k + 1) * Math.max(1, options.iterations), steps);
    }
  } finally {
    await passed?.float.inputs.dispose();
    await passed?.quantized.inputs.dispose();
  }
  const whole: Runs = {
    quantized: (graph) => ({ graph, data: calibration }),
    float: (graph) => ({ graph, data: calibration }),
  };
  const outside = { input: '', output: '', others: [], nodes: outsideOf(pair.float, parts, options.strict) };
  pair = await quantizeRegion(pair, outside, whole, codes, context);
  context.progress(steps, steps);
  return pair.quantized;
}

const isChosen = (graph: Graph, name: string, { weights }: Chosen): boolean => {
  const weight = weightIn(graph, graph.nodes.get(name)!);
  return weight !== undefined && weights.has(weight);
};

/** Nodes behind the last block, and with `strict` those before the first too. */
function outsideOf(graph: Graph, parts: readonly { readonly nodes: readonly string[] }[], strict: boolean): string[] {
  const inside = new Set(parts.flatMap(({ nodes }) => nodes));
  const names = [...graph.nodes.keys()];
  const end = Math.max(-1, ...names.map((name, i) => (inside.has(name) ? i : -1)));
  return names.filter((name, i) => !inside.has(name) && (strict || i > end));
}

const runsOf = ({ float, quantized }: { readonly float: Passed; readonly quantized: Passed }): Runs => ({
  float: (graph) => ({ graph: partOf(graph, float), data: float.inputs }),
  quantized: (graph) => ({ graph: partOf(graph, quantized), data: quantized.inputs }),
});

/** The graph without quantizers on its activations: what the model was before `quantizeLog2`. */
function withoutQuantizers(graph: Graph): Graph {
  for (const { name, op, inputs } of [...graph.nodes.values()]) {
    if (op !== 'CqFakeQuantize' || graph.weights.has(annotatedValue(graph, name))) continue;
    graph = edit(graph, { ...redirect(graph, name, inputs[0]!), remove: [name] });
  }
  return removeDead(graph);
}

type Store = NonNullable<PassContext['store']>;

async function keepPair(store: Store, k: number, pair: Pair, begun: Pair, lines: readonly Line[]): Promise<void> {
  await keepGraph(store, `float${k}`, pair.float, begun.float, null);
  await keepGraph(store, `block${k}`, pair.quantized, begun.quantized, lines);
}

async function keptPair(store: Store, k: number, begun: Pair) {
  const quantized = await keptGraph<readonly Line[]>(store, `block${k}`, begun.quantized);
  const float = quantized && (await keptGraph(store, `float${k}`, begun.float));
  return quantized && float && { pair: { quantized: quantized.graph, float: float.graph }, lines: quantized.details };
}

function keepTraining(store: Store, key: string, { checkpoint: { state, arrays }, ...rest }: Saved): Promise<void> {
  return writeSnapshot(store, key, { state: { ...rest, state }, arrays });
}

async function keptTraining(store: Store, key: string): Promise<Saved | undefined> {
  const kept = await readSnapshot<Omit<Saved, 'checkpoint'> & Pick<Checkpoint, 'state'>>(store, key);
  if (!kept) return undefined;
  const { state, ...rest } = kept.state;
  return { ...rest, checkpoint: { state, arrays: kept.arrays as Checkpoint['arrays'] } };
}
