import { foldScale, observe, onLevels, type Graph, type UniformQuantizer } from '@cq/core';
import { matMul, square, sub, sum, tensor2d, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { channelCandidates, channelErrors, channelMaxima } from './channel-scales.ts';
import { linearReaders, type LinearLayer } from './linear-readers.ts';
import { candidateScales, floorLog2, symmetricAt } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';
import { tokenSample, type Tokens } from './token-sample.ts';
import { weightScales, type WeightCodes } from './weight-scales.ts';
import type { Run } from './parts-in-turn.ts';

/** How far exponents of channels may be from their mean, at most: none of them folded, or all as they are. */
export const limits = [0, 1, 2, 3, Infinity] as const;

export interface FoldOptions extends WeightCodes {
  readonly activations: number;
  /** Calibration examples to choose scales by, and to choose the limit by. */
  readonly search: readonly number[];
  readonly held: readonly number[];
  readonly signal: AbortSignal;
}

export type FoldedOutput =
  { readonly graph: Graph; readonly limit: number; readonly errors: readonly number[] } | { readonly reason: string };

/** Tokens that errors are measured on. */
const TOKENS = 768;

/**
 * Gives the channels of a LayerNorm's output more alike ranges: γ, β / 2^k and the rows of the next weights · 2^k, with
 * k = clip(α − round(mean α), −κ, κ), α the best exponent of every channel. κ is the one of five with which the layers behind
 * err least on held-back calibration data, so that there is nothing to tune; for κ = 0 the graph stays.
 * Source: H-ViT's power-of-two quantization of LayerNorm outputs (reconstruction; methods 3.5).
 */
export async function foldOutput(graph: Graph, run: Run, value: string, options: FoldOptions): Promise<FoldedOutput> {
  const readers = linearReaders(graph, value);
  const [first] = readers;
  if (!first) return { reason: 'no linear layer reads it' };
  const channels = first.shape[1 - first.axis]!;
  const possible = foldScale(graph, value, new Float64Array(channels).fill(1));
  if ('reason' in possible) return possible;
  const { search, held } = await samples(run, readers, options);
  const exponents = channelExponents(value, search.get(first.source)!, options);
  const mean = Math.round(exponents.reduce((sum, exponent) => sum + exponent, 0) / channels);
  const folds = limits.map((limit) =>
    Float64Array.from(exponents, (exponent) => 2 ** Math.max(-limit, Math.min(limit, exponent - mean))),
  );
  const errors = folds.map((fold) =>
    readers.reduce((sum, layer) => sum + relativeError(layer, fold, search, held, options), 0),
  );
  const best = indexOfLeast(errors);
  if (best === 0) return { graph, limit: 0, errors };
  const folded = foldScale(graph, value, folds[best]!);
  return 'reason' in folded ? folded : { graph: folded.graph, limit: limits[best]!, errors };
}

async function samples({ graph, data }: Run, readers: readonly LinearLayer[], { search, held, signal }: FoldOptions) {
  const sources = [...new Set(readers.map(({ source }) => source))];
  const on = (indices: readonly number[]) =>
    observe(graph, sources, tokenSample(Math.ceil(TOKENS / indices.length)), data, { indices, batchSize: 8, signal });
  return { search: await on(search), held: await on(held) };
}

/** Of every channel the exponent with the least squared error. */
function channelExponents(value: string, { data, channels }: Tokens, { activations }: FoldOptions): readonly number[] {
  const { update, start, finish } = channelMaxima();
  const candidates = channelCandidates(
    value,
    finish(update(start(), data, [1, channels]), value),
    activations,
    'search',
  );
  const statistic = channelErrors(candidates, activations);
  const { noise } = statistic.update(statistic.start(), data, [1, channels]);
  return candidates.map((list, c) => floorLog2(list[indexOfLeast(noise.subarray(c * 4, (c + 1) * 4))]!));
}

/** |x̂ · ŵ − x · w|² / |x · w|² on the held-back tokens, with the scales that the others choose. */
function relativeError(
  layer: LinearLayer,
  fold: Float64Array,
  search: ReadonlyMap<string, Tokens>,
  held: ReadonlyMap<string, Tokens>,
  options: FoldOptions,
): number {
  const { source, shape, axis } = layer;
  const [rows, columns] = shape;
  const divided = ({ data, channels }: Tokens): Tokens => ({
    data: data.map((x, i) => x / fold[i % channels]!),
    channels,
  });
  const [seen, other] = [divided(search.get(source)!), held.get(source)!];
  const quantizer = tensorQuantizer(source, seen, options);
  const quantized = ({ data, channels }: Tokens): Tokens => ({
    data: onLevels(data, [data.length], quantizer),
    channels,
  });
  const data = layer.data.map((w, i) => w * fold[axis === 1 ? Math.floor(i / columns) : i % columns]!);
  const chosen = weightScales({ ...layer, data, input: quantized(seen) }, options);
  return tidy(() => {
    const product = (x: Tokens, w: Float32Array): Tensor2D =>
      matMul(matrix(x), tensor2d(w, [rows, columns]), false, axis === 0);
    const expected = product(other, layer.data);
    const given = product(quantized(divided(other)), onLevels(data, shape, chosen.quantizer));
    const energy = (x: Tensor2D): number => sum(square(x)).dataSync()[0]!;
    return energy(sub(given, expected)) / energy(expected);
  });
}

const matrix = ({ data, channels }: Tokens): Tensor2D => tensor2d(data, [data.length / channels, channels]);

/** One scale for all, by squared error. */
function tensorQuantizer(source: string, { data }: Tokens, { activations, scales }: FoldOptions): UniformQuantizer {
  const largest = data.reduce((most, x) => Math.max(most, x < 0 ? -x : x), 0);
  const quantizers = candidateScales(source, 2 * largest, activations, scales).map((s) =>
    symmetricAt(activations, [s]),
  );
  const errors = quantizers.map((quantizer) =>
    onLevels(data, [data.length], quantizer).reduce((sum, level, i) => sum + (level - data[i]!) ** 2, 0),
  );
  return quantizers[indexOfLeast(errors)]!;
}
