import {
  addToBias,
  edit,
  evenly,
  histogram,
  liesByOutput,
  matrixOf,
  observe,
  observeGrams,
  quantizerOf,
  roles,
  tipOf,
  weightOf,
  withFakeQuantize,
  withMatrix,
  rowSample,
  type Dataset,
  type Folded,
  type Graph,
  type Histogram,
  type Node,
  type PassContext,
  type Region,
  type Role,
  type UniformQuantizer,
} from '@cq/core';
import { foldNorm, normFold } from './fold-norm.ts';
import { foldValues, valuesIn } from './fold-values.ts';
import { leastErrorCodes } from './least-error.ts';
import { roundWeight } from './round-weight.ts';

/** A quantized graph and the float one, which computes what it always did, and what a region of them reads. */
export interface Pair {
  readonly quantized: Graph;
  readonly float: Graph;
}

/** How to run a region in either graph. */
export interface Runs {
  quantized(graph: Graph): { readonly graph: Graph; readonly data: Dataset };
  float(graph: Graph): { readonly graph: Graph; readonly data: Dataset };
}

export interface BlockCodes {
  readonly bits: number;
  free(value: string): boolean;
  /** What the activations are called that weights of the region read and have no codes. */
  readonly ofWeights: ReadonlySet<string>;
  /** Indices of the examples that codes are fitted on. */
  readonly examples: readonly number[];
}

/** Calibration examples for ranges, and for Gram matrices; rows of each for the ranges of channels. */
const [EXAMPLES, GRAM_EXAMPLES, ROWS] = [32, 256, 64];

/** Roles of activations that get the codes of few bits. */
const fewBits: ReadonlySet<Role> = new Set(['operand', 'factor', 'probability']);

/**
 * First codes for a region: the channels of norms on one range by exact folds (in the float graph too, so that both stay comparable),
 * least-error ranges for activations, weights rounded by GPTQ layer after layer. All on what the quantized prefix feeds the region.
 */
export async function quantizeRegion(
  pair: Pair,
  { nodes }: Region,
  runs: Runs,
  { bits, free, ofWeights, examples }: BlockCodes,
  { signal, changed, skipped }: Pick<PassContext, 'signal' | 'changed' | 'skipped'>,
): Promise<Pair> {
  let { quantized, float } = pair;
  const inside = new Set(nodes);
  const asked = [...roles(float, (weight) => ofWeights.has(weight) || quantizerOf(quantized, weight) !== undefined)];
  const values = asked.filter(
    ([value, role]) => fewBits.has(role) && inside.has(value) && free(value) && !quantizerOf(quantized, value),
  );
  const source = runs.quantized(quantized);
  const indices = some(examples, EXAMPLES);
  const options = { indices, batchSize: 8, signal };

  /** Folds in both graphs, or in neither. */
  const foldBoth = (name: string, fold: (graph: Graph) => Folded): boolean => {
    const both = [fold(quantized), fold(float)] as const;
    const [own, other] = both;
    if ('graph' in own && 'graph' in other) [quantized, float] = [own.graph, other.graph];
    else skipped(name, `not folded: ${both.map((each) => ('reason' in each ? each.reason : '')).find(Boolean)!}`);
    return 'graph' in own && 'graph' in other;
  };

  const norms = values.filter(([value, role]) => role === 'operand' && float.nodes.get(value)?.op === 'LayerNorm');
  const scales = new Map<string, number>();
  if (norms.length > 0) {
    const names = norms.map(([value]) => value);
    const rows = await observe(source.graph, names, rowSample(ROWS), source.data, options);
    for (const name of names) {
      const fold = normFold(rows.get(name)!, bits);
      if (foldBoth(name, (graph) => foldNorm(graph, name, fold))) scales.set(name, fold.scale);
    }
  }

  const attended = [...valuesIn(float, inside)].filter(([name]) => values.some(([value]) => value === name));
  if (attended.length > 0) {
    const names = attended.map(([name]) => name);
    const folded = runs.quantized(quantized);
    const rows = await observe(folded.graph, names, rowSample(ROWS), folded.data, options);
    for (const [name, probabilities] of attended) {
      const fold = normFold(rows.get(name)!, bits);
      foldBoth(name, (graph) => foldValues(graph, name, probabilities, fold));
    }
  }

  const run = runs.quantized(quantized);
  const others = values.map(([value]) => value).filter((value) => !scales.has(value));
  const seen = await observe(run.graph, others, histogram(), run.data, options);
  for (const [value, role] of values) {
    const codes = firstCodes(role, scales.get(value), seen.get(value), bits);
    quantized = withFakeQuantize(quantized, value, codes);
    changed(value, { role, bits, scale: codes.scale[0]!, zeroPoint: codes.zeroPoint[0]! });
  }

  for (const { input, products } of layersOf(quantized, inside, ofWeights)) {
    signal.throwIfAborted();
    const [from, to] = [runs.quantized(quantized), runs.float(float)];
    const tap = { quantized: input, float: originalOf(float, products[0]!) };
    const grams = await observeGrams(from, to, [tap], {
      ...{ ones: true, batchSize: 8, signal },
      indices: some(examples, GRAM_EXAMPLES),
    });
    for (const name of products) {
      const matrix = matrixOf(quantized, quantized.nodes.get(name)!);
      const { data, quantizer, biasChange, loss } = roundWeight(matrix, grams.get(input)!, bits);
      const product = quantized.nodes.get(name)!;
      quantized = edit(quantized, { weights: [withMatrix(quantized, product, data)] });
      quantized = withFakeQuantize(
        quantized,
        matrix.name,
        liesByOutput(product) ? { ...quantizer, axis: 0 } : quantizer,
      );
      quantized = addToBias(quantized, quantized.nodes.get(name)!, biasChange);
      changed(matrix.name, { role: 'weight', bits, loss });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return { quantized, float };
}

/** At most `count` of them, evenly spaced. */
const some = (examples: readonly number[], count: number): number[] =>
  evenly(examples.length, count).map((i) => examples[i]!);

/** @param scale That of a folded norm. */
function firstCodes(
  role: Role,
  scale: number | undefined,
  seen: Histogram | undefined,
  bits: number,
): UniformQuantizer {
  if (scale !== undefined) return uniform(bits, scale, true);
  if (role === 'probability') return uniform(bits, seen!.max / (2 ** bits - 1) || 1, false);
  return leastErrorCodes(seen!, bits, role === 'factor');
}

const uniform = (bits: number, scale: number, signed: boolean): UniformQuantizer => ({
  ...{ kind: 'uniform', bits, signed },
  ...{ scale: Float32Array.of(scale), zeroPoint: Int32Array.of(0) },
});

/** What the product of the same name reads in the float graph. */
const originalOf = (float: Graph, product: string): string => float.nodes.get(product)!.inputs[0]!;

interface Layer {
  readonly input: string;
  readonly products: readonly string[];
}

/** The products with weights that have no codes yet, those that read one value together, in network order. */
function layersOf(graph: Graph, inside: ReadonlySet<string>, weights: ReadonlySet<string>): readonly Layer[] {
  const found = new Map<string, string[]>();
  for (const node of graph.nodes.values()) {
    const weight = weightIn(graph, node);
    if (!inside.has(node.name) || weight === undefined || !weights.has(weight) || quantizerOf(graph, weight)) continue;
    const [input] = node.inputs as [string, string];
    found.set(input, [...(found.get(input) ?? []), node.name]);
  }
  return [...found].map(([input, products]) => ({ input: tipOf(graph, input), products }));
}

/** The matrix that a product multiplies by. */
export function weightIn(graph: Graph, { op, inputs }: Node): string | undefined {
  const weight = op === 'MatMul' ? weightOf(graph, inputs[1]) : undefined;
  return weight?.shape.length === 2 && weight.dtype === 'float32' ? weight.name : undefined;
}
