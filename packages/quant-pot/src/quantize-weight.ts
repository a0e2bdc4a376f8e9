import { maskedData, observe, onLevels, withFakeQuantize, rowSample, type Graph, type PassContext } from '@cq/core';
import { linearLayer } from './linear-readers.ts';
import type { Run } from './parts-in-turn.ts';
import { roundBiases } from './round-biases.ts';
import { candidateScales, decibels, floorLog2, symmetricAt, type Scales } from './scales.ts';
import type { WeightSite } from './sites.ts';
import { spreadOver } from './spread.ts';
import { indexOfLeast } from './tensor-scale.ts';
import { gramOf } from './all-tokens.ts';
import { weightScales } from './weight-scales.ts';

/** Calibration examples whose tokens the scales of weights are searched on, and tokens of them all. */
const EXAMPLES = 48;
const TOKENS = 2048;

export interface WeightOptions {
  readonly weights: 8 | 4;
  readonly scales: Scales;
}

/** Quantizers on the weights of products in one part, and their biases on multiples of the products' scales. */
export async function quantizeWeights(
  graph: Graph,
  sites: readonly WeightSite[],
  { graph: part, data }: Run,
  { weights: bits, scales }: WeightOptions,
  { signal, changed }: PassContext,
): Promise<Graph> {
  const layers = sites.map(({ product }) => linearLayer(graph, product)!);
  const sources = [...new Set(layers.map(({ source }) => source))];
  const indices = spreadOver(data.size, EXAMPLES);
  const sample = rowSample(Math.ceil(TOKENS / indices.length));
  const seen = await observe(part, sources, sample, data, { indices, batchSize: 8, signal });
  const inputs = new Map([...seen].map(([source, tokens]) => [source, gramOf(tokens, source)]));
  for (const [i, { value, product }] of sites.entries()) {
    const problem = { ...layers[i]!, input: inputs.get(layers[i]!.source)! };
    const { quantizer, candidates, sqnr } = weightScales(problem, { bits, perOutput: bits < 8, scales });
    changed(value, { role: 'weight', bits, ...exponentRange(quantizer.scale), ...winners(candidates), sqnr });
    graph = roundBiases(withFakeQuantize(graph, value, quantizer), product);
  }
  return graph;
}

/** A quantizer on a table that rows are taken from: of every row the candidate that errs least. */
export function quantizeTable(
  graph: Graph,
  value: string,
  { weights: bits, scales }: WeightOptions,
  { changed }: PassContext,
): Graph {
  const weight = graph.weights.get(value)!;
  const [rows, columns] = weight.shape as [number, number];
  const data = maskedData(graph, weight);
  const chosen: number[] = [];
  const found = Array.from({ length: rows }, (_, r) => {
    const row = data.subarray(r * columns, (r + 1) * columns);
    const largest = row.reduce((most, x) => Math.max(most, x < 0 ? -x : x), 0);
    const candidates = candidateScales(value, 2 * (largest || 1), bits, scales);
    const errors = candidates.map((scale) => squaredError(row, scale, bits));
    chosen.push(indexOfLeast(errors));
    return candidates[chosen[r]!]!;
  });
  const quantizer = symmetricAt(bits, found, 0);
  const levels = onLevels(data, weight.shape, quantizer);
  const sqnr = decibels(energy(data), energy(levels.map((level, i) => level - data[i]!)));
  changed(value, { role: 'table', bits, ...exponentRange(quantizer.scale), ...winners(chosen), sqnr });
  return withFakeQuantize(graph, value, quantizer);
}

const energy = (values: Float32Array): number => values.reduce((sum, x) => sum + x * x, 0);

const squaredError = (row: Float32Array, scale: number, bits: number): number =>
  energy(onLevels(row, [row.length], symmetricAt(bits, [scale])).map((level, i) => level - row[i]!));

/** For the report: the exponent, or from where to where they reach. */
export function exponentRange(scales: ArrayLike<number>): Readonly<Record<string, unknown>> {
  const exponents = Array.from(scales, (scale) => (2 ** floorLog2(scale) === scale ? floorLog2(scale) : undefined));
  if (exponents.includes(undefined)) return { scale: scales.length === 1 ? scales[0] : scales.length };
  const [low, high] = (exponents as number[]).reduce(
    ([a, b], e) => [Math.min(a!, e), Math.max(b!, e)],
    [Infinity, -Infinity],
  );
  return low === high ? { exponent: low } : { exponents: [low, high] };
}

/** For the report: which candidate won, or how often each did. */
export function winners(chosen: readonly number[]): Readonly<Record<string, unknown>> {
  if (chosen.length === 1) return { candidate: chosen[0] };
  const counts = [0, 0, 0, 0];
  for (const candidate of chosen) counts[candidate]!++;
  return { candidates: counts };
}
