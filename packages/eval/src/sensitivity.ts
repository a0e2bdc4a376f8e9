import { capture, CqError, withFakeQuantize, type Captured, type Dataset, type Graph, type Store } from '@cq/core';
import { measureLoss, referenceOf, type Loss, type Reference } from './measure-loss.ts';
import { quantizersOf, type Quantized } from './quantizers-of.ts';
import { placeOf, stagesOf, suffix, type Stage } from './stages.ts';
import { withoutFakeQuantize } from './without-fake-quantize.ts';

/** How thoroughly is measured, and what is kept. */
export interface SensitivityOptions {
  /** Values to measure; by default all that have quantizers. */
  readonly values?: readonly string[];
  /** The first so many examples; all by default. */
  readonly limit?: number;
  /** Examples on which every value is measured. Default: 4. */
  readonly screen?: number;
  /** How many of the values that are then the most harmful are measured on all examples. Default: 24. */
  readonly worst?: number;
  /** Bytes of blocks' inputs that stay in memory (default 2^29); what is beyond goes to `store`. */
  readonly memory?: number;
  /** Where blocks' inputs go that memory has no room for. */
  readonly store?: Store;
  /** What an earlier run with the same graph and data was told by `found`: it is not measured again. */
  readonly known?: readonly Finding[];
  /** Told of each measurement as it is made, to keep it for `known`. */
  readonly found?: (finding: Finding) => void | Promise<void>;
  /** Told the measurements done, their total, and what is being measured. */
  readonly progress?: (done: number, total: number, name: string) => void;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** One measurement: with nothing but this quantized, or with all but this. `name` is a value, or the input of a block. */
export interface Finding {
  readonly quantized: 'value' | 'block' | 'all' | 'all-but';
  readonly name: string;
  readonly loss: Loss;
}

/** What the quantizer on one value costs. */
export interface ValueSensitivity {
  readonly value: string;
  readonly kind: 'weight' | 'activation';
  readonly bits: number;
  /** Place of its block in the network, from 0; absent before the first and for what stands outside of blocks. */
  readonly block?: number;
  /** Signal to quantization noise of the value itself, in dB. */
  readonly sqnr: number;
  /** With this value alone quantized. */
  readonly alone: Loss;
  /** With all values but this quantized; of the worst. */
  readonly without?: Loss;
}

/** What each quantizer of a model costs. */
export interface Sensitivity {
  readonly examples: number;
  /** Share of the examples that the float model gets right; absent where the data have no labels. */
  readonly accuracy?: number;
  /** With everything quantized. */
  readonly quantized: Loss;
  /** The most harmful first, by KL when quantized alone. */
  readonly values: readonly ValueSensitivity[];
  /** With everything in one block quantized and nothing else, in network order. */
  readonly blocks: readonly { readonly block: number; readonly input: string; readonly alone: Loss }[];
}

/**
 * What each quantizer of an annotated graph costs: the loss with that value alone quantized, first on a few examples for
 * all, then on all examples for the worst, and for these also with all values but that. What stands before a value's block
 * runs once for all values of the block; its outputs are kept.
 *
 * Memory: the inputs of all blocks for all examples (DeiT-Tiny: 2.4 MB an example), in the store beyond `memory`.
 * @param graph With quantizers, not lowered; its first output is `[batch, classes]`.
 */
export async function sensitivity(graph: Graph, data: Dataset, options: SensitivityOptions = {}): Promise<Sensitivity> {
  const quantizers = quantizersOf(graph);
  if (quantizers.length === 0) {
    throw new CqError('sensitivity: the graph has no quantizers; give it as passes leave it, before it is lowered');
  }
  const float = quantizers.reduce((stripped, { value }) => withoutFakeQuantize(stripped, value), graph);
  const stages = stagesOf(float);
  const all = quantizers.map((quantized) => ({ ...quantized, stage: placeOf(graph, stages, quantized.value) }));
  const { screen = 4, worst = 24, signal } = options;
  const asked = options.values && new Set(options.values);
  const values = asked ? all.filter(({ value }) => asked.has(value)) : all;

  const plain = await prefixes(float, stages, data, options, 'float');
  try {
    const reference = await referenceOf(float, plain);
    const examples = reference.logits.length;
    const [few, chosen] = [Math.min(screen, examples), Math.min(worst, values.length)];
    const journal = journalOf(options, values.length + stages.length + (few < examples ? 2 : 1) * chosen);
    const alone = (stage: number, quantized: readonly Quantized[], on: number, watched?: string) => {
      const part = quantized.reduce(
        (so, { value, quantizer }) => withFakeQuantize(so, value, quantizer),
        suffix(float, stages[stage]!, plain.inputs),
      );
      return measureLoss(part, plain, reference, { examples: on, watched, signal });
    };
    const value = (one: (typeof values)[number], on: number) =>
      journal.measure('value', one.value, on, () => alone(one.stage, [one], on, one.value));

    const screened = [];
    for (const one of values) screened.push({ one, kl: (await value(one, few)).kl });
    const selected = screened
      .sort((a, b) => b.kl - a.kl)
      .slice(0, chosen)
      .map(({ one }) => one);
    if (few < examples) for (const one of selected) await value(one, examples);
    for (const [stage, { input }] of stages.entries()) {
      const inside = all.filter((one) => one.stage === stage);
      if (input !== undefined) await journal.measure('block', input, examples, () => alone(stage, inside, examples));
    }
    const rest = await prefixes(graph, stages, data, options, 'quantized');
    try {
      const but = (stage: number, value?: string) => {
        const part = suffix(graph, stages[stage]!, rest.inputs);
        const changed = value === undefined ? part : withoutFakeQuantize(part, value);
        return measureLoss(changed, rest, reference, { examples, signal });
      };
      await journal.measure('all', '', examples, () => but(stages.length - 1));
      for (const { value, stage } of selected) {
        await journal.measure('all-but', value, examples, () => but(stage, value));
      }
    } finally {
      await rest.dispose();
    }
    return summary(values, stages, journal, reference);
  } finally {
    await plain.dispose();
  }
}

/** What every stage reads, for every example, and the outputs. */
function prefixes(
  graph: Graph,
  stages: readonly Stage[],
  data: Dataset,
  { limit, memory = 2 ** 29, store, signal }: SensitivityOptions,
  key: string,
): Promise<Captured> {
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new CqError(`sensitivity: limit must be a whole number from 1, got ${limit}`);
  }
  const read = stages.flatMap(({ input, others }) => (input === undefined ? [] : [input, ...others]));
  const names = [...graph.inputs.map(({ name }) => name), ...read, graph.outputs[0]!.value];
  return capture(graph, Object.fromEntries(names.map((name) => [name, name])), data, {
    indices: Array.from({ length: Math.min(limit ?? data.size, data.size) }, (_, index) => index),
    key: `sensitivity/${key}`,
    memory,
    ...(store && { store }),
    ...(signal && { signal }),
  });
}

interface Journal {
  /** What is known of it, on as many examples as possible. */
  loss(quantized: Finding['quantized'], name: string): Loss | undefined;
  /** Measures what is not known yet on so many examples, and tells of it. */
  measure(quantized: Finding['quantized'], name: string, examples: number, loss: () => Promise<Loss>): Promise<Loss>;
}

function journalOf({ known = [], found, progress }: SensitivityOptions, total: number): Journal {
  const losses = new Map<string, Loss>();
  const earlier = new Map(known.map(({ quantized, name, loss }) => [`${loss.examples} ${quantized} ${name}`, loss]));
  let done = 0;
  return {
    loss: (quantized, name) => losses.get(`${quantized} ${name}`),
    async measure(quantized, name, examples, measured) {
      let loss = earlier.get(`${examples} ${quantized} ${name}`);
      if (!loss) {
        loss = await measured();
        await found?.({ quantized, name, loss });
      }
      losses.set(`${quantized} ${name}`, loss);
      progress?.(++done, total, name);
      return loss;
    },
  };
}

function summary(
  values: readonly (Quantized & { readonly stage: number })[],
  stages: readonly Stage[],
  { loss }: Journal,
  { logits, accuracy }: Reference,
): Sensitivity {
  const rows = values.map(({ value, kind, quantizer, stage }): ValueSensitivity => {
    const { sqnr, ...alone } = loss('value', value)!;
    const without = loss('all-but', value);
    return {
      ...{ value, kind, bits: quantizer.bits },
      ...(stages[stage]!.input !== undefined && { block: stage - 1 }),
      ...{ sqnr: sqnr!, alone, ...(without && { without }) },
    };
  });
  return {
    examples: logits.length,
    ...(accuracy !== undefined && { accuracy }),
    quantized: loss('all', '')!,
    values: rows.sort((a, b) => b.alone.kl - a.alone.kl),
    blocks: stages.flatMap(({ input }, stage) =>
      input === undefined ? [] : [{ block: stage - 1, input, alone: loss('block', input)! }],
    ),
  };
}
