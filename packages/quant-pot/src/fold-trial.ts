import { histogram, onLevels, withFakeQuantize, type Graph, type UniformQuantizer, type Rows } from '@cq/core';
import { matMul, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { LinearLayer } from './linear-readers.ts';
import { candidateScales, symmetricAt } from './scales.ts';
import { leastError } from './tensor-scale.ts';
import { gramOf } from './all-tokens.ts';
import { weightScales, type WeightCodes } from './weight-scales.ts';

export interface FoldOptions extends WeightCodes {
  readonly activations: number;
  /** Calibration examples to choose scales by, and to choose the limit by. */
  readonly search: readonly number[];
  readonly held: readonly number[];
  readonly signal: AbortSignal;
}

/** What layers read, by name: tokens to choose scales by, and tokens to judge them on. */
export interface FoldSamples {
  readonly search: ReadonlyMap<string, Rows>;
  readonly held: ReadonlyMap<string, Rows>;
}

/** A layer, and x · w on the held-back tokens. */
interface JudgedLayer extends LinearLayer {
  readonly expected: Float32Array;
}

export const judged = (readers: readonly LinearLayer[], { held }: FoldSamples): readonly JudgedLayer[] =>
  readers.map((layer) => ({ ...layer, expected: product(held.get(layer.source)!, layer.data, layer) }));

/** A fold with the scales that the value and the weights behind it get then. */
export interface Trial {
  readonly fold: Float64Array;
  readonly quantizer: UniformQuantizer;
  readonly weights: ReadonlyMap<string, UniformQuantizer>;
  /** Σ_layers |x̂ · ŵ − x · w|² / |x · w|² on the held-back tokens. */
  readonly error: number;
}

export function trialOf(
  layers: readonly JudgedLayer[],
  { search, held }: FoldSamples,
  fold: Float64Array,
  options: FoldOptions,
): Trial {
  const weights = new Map<string, UniformQuantizer>();
  const seen = new Map([...search].map(([source, tokens]) => [source, divided(tokens, fold)]));
  const [[first, tokens]] = [...seen] as [[string, Rows]];
  const quantizer = tensorQuantizer(first, tokens, options);
  let error = 0;
  for (const [source, inputs] of seen) {
    const input = gramOf(quantized(inputs, quantizer), source);
    const given = held.get(source)!;
    const x = quantized(divided(given, fold), quantizer);
    for (const layer of layers.filter((each) => each.source === source)) {
      const { shape, axis, expected } = layer;
      const data = layer.data.map((w, at) => w * fold[axis === 1 ? Math.floor(at / shape[1]) : at % shape[1]]!);
      const chosen = weightScales({ ...layer, data, input }, options);
      weights.set(layer.name, chosen.quantizer);
      error += distance(product(x, chosen.levels, layer), expected) / energy(expected);
    }
  }
  return { fold, quantizer, weights, error };
}

/** The graph with the quantizers of a trial, to see what comes of them. */
export function withTrial(graph: Graph, value: string, { quantizer, weights }: Trial): Graph {
  let annotated = withFakeQuantize(graph, value, quantizer);
  for (const [name, weight] of weights) annotated = withFakeQuantize(annotated, name, weight);
  return annotated;
}

const divided = ({ data, channels }: Rows, fold: Float64Array): Rows => ({
  data: data.map((x, i) => x / fold[i % channels]!),
  channels,
});

const quantized = ({ data, channels }: Rows, quantizer: UniformQuantizer): Rows => ({
  data: onLevels(data, [data.length], quantizer),
  channels,
});

/** [tokens, outputs] */
function product({ data, channels }: Rows, weight: Float32Array, { shape, axis }: LinearLayer): Float32Array {
  const result = tidy(() => {
    const x = tensor2d(data, [data.length / channels, channels]);
    return matMul(x, tensor2d(weight, [...shape]), false, axis === 0);
  });
  const values = result.dataSync<'float32'>();
  result.dispose();
  return values;
}

/** Σ (a − b)² */
export function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

const energy = (values: Float32Array): number => values.reduce((sum, x) => sum + x * x, 0);

/** One scale for all, as the value gets it later on. */
function tensorQuantizer(source: string, { data }: Rows, { activations, scales }: FoldOptions): UniformQuantizer {
  const { start, update, finish } = histogram();
  const seen = finish(update(start(), data, [data.length]), source);
  const candidates = candidateScales(source, 2 * Math.max(-seen.min, seen.max), activations, scales);
  return leastError(
    seen,
    candidates.map((scale) => symmetricAt(activations, [scale])),
  ).quantizer;
}
