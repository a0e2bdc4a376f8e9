import {
  annotatedValue,
  definePass,
  evenly,
  quantizerOf,
  roles,
  select,
  withFakeQuantize,
  type Graph,
  type PassContext,
  type Scope,
  type StoredQuantizer,
} from '@cq/core';
import { attentionSamples, type Attention, type AttentionSample } from './attention-sample.ts';
import {
  exponentKinds,
  log2Kinds,
  logarithmic,
  truncated,
  type Exponents,
  type Log2Kind,
  type Truncation,
} from './log2-quantizer.ts';
import { searchCodes } from './search-codes.ts';

/** Codes of attention probabilities, and how they are chosen. */
export interface QuantizeLog2Options extends Scope {
  /** Bits of the codes, 2 to 8; zero is one of the 2^bits. */
  readonly bits: number;
  /** Powers of 2, powers of √2, or powers evenly spaced between 2^−L and 2^−T. */
  readonly kind: Log2Kind;
  /** Of uniform-log2: whole exponents, halves too, sixteenths too, or for each attention whichever errs least. */
  readonly exponents: Exponents | 'search';
  /** L and T of uniform-log2, and the scale of the others: searched, or given; without a search the scale is 1. */
  readonly truncate: 'search' | Truncation;
}

/**
 * Codes on the scale of the logarithm for what leaves a softmax. They are searched for on the attention's output, one attention
 * at a time, all with the model in float.
 * Source: TP-ViT's truncated uniform-log2 quantizer (Zhou et al. 2026; reconstruction, methods 4.2); log2 of FQ-ViT (Lin et al.
 * 2022); log√2 of RepQ-ViT (Li et al. 2023).
 */
export const quantizeLog2 = definePass<QuantizeLog2Options>({
  name: 'quantize-log2',
  defaults: { bits: 4, kind: 'uniform-log2', exponents: 'search', truncate: 'search' },
  needs: ({ truncate }) => (truncate === 'search' ? ['calibration'] : []),
  check({ bits, kind, exponents, truncate }) {
    if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `bits must be 2 to 8, got ${bits}`;
    if (!log2Kinds.includes(kind)) return `kind must be one of ${log2Kinds.join(', ')}, got "${kind}"`;
    if (exponents !== 'search' && !exponentKinds.includes(exponents))
      return `exponents must be one of ${exponentKinds.join(', ')}, search, got "${String(exponents)}"`;
    if (truncate === 'search') return true;
    const { lower, truncation } = (truncate ?? {}) as Partial<Truncation>;
    if (typeof lower !== 'number' || typeof truncation !== 'number' || !(lower < truncation))
      return `truncate must be search or { lower, truncation } with lower < truncation, got ${JSON.stringify(truncate)}`;
    return exponents !== 'search' || 'exponents must be integer, half or fine where truncate is given, got "search"';
  },

  async run(graph, options, context) {
    const all = attentionsOf(graph);
    const selected = select('quantize-log2', [...all.keys()], options);
    const chosen: Attention[] = [];
    for (const [probabilities, attention] of all) {
      if (!selected.includes(probabilities)) context.skipped(probabilities, 'outside the scope');
      else if (quantizerOf(graph, probabilities)) context.skipped(probabilities, 'quantized already');
      else chosen.push(attention);
    }
    if (chosen.length === 0) return graph;
    const samples = await sampled(graph, chosen, options, context);
    for (const [done, { probabilities }] of chosen.entries()) {
      const { quantizer, ...details } = codesFor(samples?.get(probabilities), options);
      graph = withFakeQuantize(graph, probabilities, quantizer);
      context.changed(probabilities, { role: 'probability', ...described(quantizer), ...details });
      context.progress(done + 1, chosen.length);
      context.signal.throwIfAborted();
    }
    return graph;
  },
});

/** Calibration examples that codes are searched on. */
const EXAMPLES = 16;

async function sampled(
  graph: Graph,
  attentions: readonly Attention[],
  { truncate }: QuantizeLog2Options,
  { data, signal }: PassContext,
): Promise<ReadonlyMap<string, readonly AttentionSample[]> | undefined> {
  if (truncate !== 'search') return undefined;
  const calibration = data.calibration!;
  return attentionSamples(graph, attentions, calibration, evenly(calibration.size, EXAMPLES), signal);
}

/** The softmax outputs that an attention reads, in network order. */
function attentionsOf(graph: Graph): ReadonlyMap<string, Attention> {
  const found = new Map<string, Attention>();
  const asked = roles(graph, () => true);
  for (const { name, op, inputs } of graph.nodes.values()) {
    const probabilities = op === 'AttentionContext' ? annotatedValue(graph, inputs[0]!) : undefined;
    if (probabilities === undefined || asked.get(probabilities) !== 'probability') continue;
    found.set(probabilities, { probabilities, context: name });
  }
  return found;
}

/** The quantizer, and for the report what it errs, and which codes each head would have. */
function codesFor(
  samples: readonly AttentionSample[] | undefined,
  { bits, kind, exponents, truncate }: QuantizeLog2Options,
): { readonly quantizer: StoredQuantizer; readonly [detail: string]: unknown } {
  if (truncate !== 'search' || !samples) {
    const given = truncate as Truncation;
    return {
      quantizer: kind === 'uniform-log2' ? truncated(bits, exponents as Exponents, given) : logarithmic(bits, kind),
    };
  }
  const found = searchCodes(samples, bits, kind, exponents === 'search' ? exponentKinds : [exponents]);
  const { quantizer, error } = found;
  const heads = found.heads.map((head) => ({ ...described(head.quantizer), error: head.error }));
  return { quantizer, error, heads };
}

/** For the report. */
function described(quantizer: StoredQuantizer): Readonly<Record<string, unknown>> {
  const { kind, bits } = quantizer;
  if (quantizer.kind === 'uniform-log2') {
    return { kind, bits, base: quantizer.base, L: quantizer.lower, T: quantizer.truncation };
  }
  return { kind, bits, ...(quantizer.kind === 'log2' && { base: quantizer.base }), scale: quantizer.scale[0]! };
}
