import { foldScale, observe, rowSample, type Graph, type Rows } from '@cq/core';
import { channelCandidates, channelErrors, channelMaxima } from './channel-scales.ts';
import { distance, judged, trialOf, withTrial, type FoldOptions, type FoldSamples } from './fold-trial.ts';
import { linearReaders, type LinearLayer } from './linear-readers.ts';
import type { Run } from './parts-in-turn.ts';
import { floorLog2 } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';
import { allTokens } from './all-tokens.ts';

/** How far exponents of channels may be from their mean, at most: none of them folded, or all as they are. */
const limits = [0, 1, 2, 3, Infinity] as const;

export type FoldedOutput =
  | { readonly graph: Graph; readonly limit: number; readonly errors: Readonly<Record<string, number>> }
  | { readonly reason: string };

/** Tokens that errors of layers are measured on, and examples that those of the branch are. */
const TOKENS = 512;
const EXAMPLES = 8;

/** A fold that lowers the error of a branch's end by less than a tenth is not worth its spread of the weights. */
const MATTERS = 0.9;

/**
 * Gives the channels of a LayerNorm's output more alike ranges: γ, β / 2^k and the rows of the next weights · 2^k, with
 * k = clip(α − round(mean α), −κ, κ), α the best exponent of every channel. κ is the one of five with which the layers behind
 * err least on held-back calibration data, so that there is nothing to tune; for κ = 0 the graph stays. It stays too unless the
 * end of the branch errs less by a tenth: what a query or the input of a GELU errs need not matter to what comes of it.
 * Source: H-ViT's power-of-two quantization of LayerNorm outputs (reconstruction; methods 3.5); the second condition is ours.
 */
export async function foldOutput(
  graph: Graph,
  run: (graph: Graph) => Promise<Run>,
  value: string,
  options: FoldOptions,
): Promise<FoldedOutput> {
  const part = await run(graph);
  // A reader in a part behind this one is judged on all that the LayerNorm gives.
  const seenAt = (source: string): string => (part.graph.nodes.has(source) ? source : value);
  const readers = linearReaders(graph, value).map((layer) => ({ ...layer, source: seenAt(layer.source) }));
  const [first] = readers;
  if (!first) return { reason: 'no linear layer reads it' };
  const channels = first.shape[1 - first.axis]!;
  const possible = foldScale(graph, value, new Float64Array(channels).fill(1));
  if ('reason' in possible) return possible;
  const seen = await samples(part, readers, options);
  const layers = judged(readers, seen);
  const exponents = channelExponents(value, seen.search.get(first.source)!, options);
  const mean = Math.round(exponents.reduce((all, exponent) => all + exponent, 0) / channels);
  const furthest = Math.max(...exponents.map((exponent) => Math.abs(exponent - mean)));
  const different = limits.filter((_, i) => i === 0 || limits[i - 1]! < furthest);
  const trials = different.map((limit) =>
    trialOf(
      layers,
      seen,
      Float64Array.from(exponents, (exponent) => 2 ** Math.max(-limit, Math.min(limit, exponent - mean))),
      options,
    ),
  );
  const best = indexOfLeast(trials.map(({ error }) => error));
  const errors = Object.fromEntries(different.map((limit, i) => [limit, Number(trials[i]!.error.toPrecision(4))]));
  const stays = { graph, limit: 0, errors };
  if (best === 0) return stays;
  const folded = foldScale(graph, value, trials[best]!.fold);
  if ('reason' in folded) return folded;
  const expected = await endOf(part, options);
  const [before, after] = [
    distance(await endOf(await run(withTrial(graph, value, trials[0]!)), options), expected),
    distance(await endOf(await run(withTrial(folded.graph, value, trials[best]!)), options), expected),
  ];
  return after < MATTERS * before ? { graph: folded.graph, limit: different[best]!, errors } : stays;
}

async function samples(
  { graph, data }: Run,
  readers: readonly LinearLayer[],
  { search, held, signal }: FoldOptions,
): Promise<FoldSamples> {
  const sources = [...new Set(readers.map(({ source }) => source))];
  const on = (indices: readonly number[]) =>
    observe(graph, sources, rowSample(Math.ceil(TOKENS / indices.length)), data, { indices, batchSize: 8, signal });
  return { search: await on(search), held: await on(held) };
}

/** What a part gives on held-back examples. */
async function endOf({ graph, data }: Run, { held, signal }: FoldOptions): Promise<Float32Array> {
  const end = graph.outputs[0]!.value;
  const indices = held.slice(0, EXAMPLES);
  return (await observe(graph, [end], allTokens(), data, { indices, batchSize: 8, signal })).get(end)!.data;
}

/** Of every channel the exponent with the least squared error. */
function channelExponents(value: string, tokens: Rows, { activations }: FoldOptions): readonly number[] {
  const candidates = channelCandidates(value, channelMaxima(value, tokens), activations, 'search');
  const { noise } = channelErrors(candidates, activations, tokens);
  return candidates.map((list, c) => floorLog2(list[indexOfLeast(noise.subarray(c * 4, (c + 1) * 4))]!));
}
