import {
  histogram,
  observe,
  withFakeQuantize,
  type Graph,
  type Histogram,
  type PassContext,
  type Role,
  type StoredQuantizer,
} from '@cq/core';
import { channelCandidates, channelErrors, channelMaxima, channelScales, ensureVariance } from './channel-scales.ts';
import { foldOutput } from './fold-output.ts';
import type { Run } from './parts-in-turn.ts';
import { exponentRange, winners } from './quantize-weight.ts';
import { candidateScales, symmetricAt, type Scales } from './scales.ts';
import type { Activation } from './sites.ts';
import { spreadOver } from './spread.ts';
import { leastError } from './tensor-scale.ts';
import { allTokens } from './all-tokens.ts';

export interface ActivationOptions {
  readonly weights: 8 | 4;
  readonly activations: number;
  readonly attention: 8 | 4;
  readonly scales: Scales;
  readonly streams: 'per-channel' | 'per-tensor';
  readonly fold: boolean;
}

/** Bits of the input of an activation table, whatever `activations` is. */
const INDEX_BITS = 12;

/** Calibration examples that folds are searched on, and as many others that they are judged on, if there are so many. */
const FOLD_EXAMPLES = 16;

/** Quantizers on activations of one part that do not depend on each other. */
export async function quantizeActivations(
  graph: Graph,
  sites: readonly Activation[],
  run: (graph: Graph) => Promise<Run>,
  options: ActivationOptions,
  context: PassContext,
): Promise<Graph> {
  if (options.fold) graph = await foldOutputs(graph, sites, run, options, context);
  const part = await run(graph);
  const ofChannels = ({ role }: Activation): boolean => role === 'stream' && options.streams === 'per-channel';
  for (const { value } of sites.filter(ofChannels)) graph = await quantizeStream(graph, value, part, options, context);
  const others = sites.filter((site) => !ofChannels(site));
  if (others.length === 0) return graph;
  const names = others.map(({ value }) => value);
  const seen = await observe(part.graph, names, histogram(), part.data, { batchSize: 8, signal: context.signal });
  for (const { value, role } of others) {
    const candidates = tensorCandidates(value, role, seen.get(value)!, options);
    const { quantizer, candidate, sqnr } = leastError(seen.get(value)!, candidates);
    const { kind, bits, scale } = quantizer;
    context.changed(value, { role, kind, bits, ...exponentRange(scale), candidate, sqnr });
    graph = withFakeQuantize(graph, value, quantizer);
  }
  return graph;
}

async function foldOutputs(
  graph: Graph,
  sites: readonly Activation[],
  run: (graph: Graph) => Promise<Run>,
  { weights: bits, activations, scales }: ActivationOptions,
  { signal, changed, skipped }: PassContext,
): Promise<Graph> {
  const { size } = (await run(graph)).data;
  const count = Math.max(1, Math.min(FOLD_EXAMPLES, Math.floor(size / 2)));
  const search = spreadOver(size, count);
  const held = spreadOver(size, count, 0.5);
  const options = { bits, perOutput: bits < 8, scales, activations, search, held, signal };
  for (const { value, role } of sites) {
    if (role !== 'operand' || graph.nodes.get(value)?.op !== 'LayerNorm') continue;
    const folded = await foldOutput(graph, run, value, options);
    if ('reason' in folded) skipped(value, `not folded: ${folded.reason}`);
    else {
      ({ graph } = folded);
      const limit = folded.limit === Infinity ? 'none' : folded.limit;
      changed(value, { role: 'fold', fold: limit, errors: folded.errors });
    }
  }
  return graph;
}

/** What a LayerNorm reads: an exponent for each channel. */
async function quantizeStream(
  graph: Graph,
  value: string,
  part: Run,
  { activations: bits, scales }: ActivationOptions,
  { signal, changed }: PassContext,
): Promise<Graph> {
  const tokens = (await observe(part.graph, [value], allTokens(), part.data, { batchSize: 8, signal })).get(value)!;
  const candidates = channelCandidates(value, channelMaxima(value, tokens), bits, scales);
  ensureVariance(value, tokens);
  const found = channelScales(candidates, channelErrors(candidates, bits, tokens), bits);
  const { chosen, sqnr } = found;
  changed(value, { role: 'stream', bits, ...exponentRange(found.scales), ...winners(chosen), sqnr });
  return withFakeQuantize(graph, value, symmetricAt(bits, found.scales, tokens.rank - 1));
}

function tensorCandidates(
  value: string,
  role: Role,
  { min, max }: Histogram,
  { activations, attention, scales }: ActivationOptions,
): readonly StoredQuantizer[] {
  if (role === 'probability') {
    if (attention === 4) return [{ kind: 'log2', bits: 4, base: 1, scale: Float32Array.of(1) }];
    const unsigned = { kind: 'uniform', bits: 8, signed: false, zeroPoint: Int32Array.of(0) } as const;
    return candidateScales(value, max, 8, scales).map((scale) => ({ ...unsigned, scale: Float32Array.of(scale) }));
  }
  const bits = role === 'index' ? INDEX_BITS : activations;
  return candidateScales(value, 2 * Math.max(-min, max), bits, scales).map((scale) => symmetricAt(bits, [scale]));
}
