import {
  blocks,
  canonicalize,
  consumersOf,
  encode,
  executor,
  fakeQuantizeOf,
  maskedData,
  onLevels,
  quantizableWeights,
  quantizerOf,
  roles,
  sourceOf,
  tipOf,
  type ArrayTensor,
  type Graph,
  type LeftInFloat,
  type Quantizer,
} from '@cq/core';
import { scaleCount, sizeOf } from '@cq/core/runtime';
import { quantizersOf, signalAndNoise, sqnr, type Quantized } from '@cq/eval';
import { mostUneven, raise, type ChannelMaxima } from './channel-maxima.ts';
import { rounded } from './rounded.ts';
import { histogramOf, type WeightHistogram } from './weight-histogram.ts';

/** What a compressed model is like inside, on a few examples: what report.html draws. All lists are in network order. */
export interface Inside {
  /** Examples that ran through both models; 0 where there were none: then only weights are known. */
  readonly examples: number;
  readonly values: readonly ValueRow[];
  /** Of each block's output, against the model as it came. */
  readonly depth: readonly { readonly value: string; readonly sqnr?: number }[];
  /** The values whose channels are the most uneven. */
  readonly channels: readonly ChannelMaxima[];
  /** The weights with the least SQNR. */
  readonly weights: readonly WeightHistogram[];
  /** How often attention used each of its codes, in the first, middle and last block. */
  readonly probabilities: readonly CodeCounts[];
}

export interface ValueRow {
  readonly value: string;
  /** What integer kernels ask of it; `weight`, or `none` where it has no quantizer. */
  readonly role: string;
  /** Of the quantizer; `float` without one. */
  readonly kind: string;
  readonly bits: number;
  /** Signal to quantization noise of the value itself in dB; absent where nothing is lost, or nothing was run. */
  readonly sqnr?: number;
  /** Of a weight: its codes and scales. */
  readonly bytes?: number;
  readonly computed: 'integer' | 'float';
  /** Why it stays float. */
  readonly reason?: string;
}

export interface CodeCounts {
  readonly value: string;
  readonly kind: string;
  readonly bits: number;
  /** By code, from 0. */
  readonly counts: readonly number[];
}

export interface CompressedModel {
  /** As it came. */
  readonly graph: Graph;
  /** With quantizers, in float. */
  readonly annotated: Graph;
  readonly left: readonly LeftInFloat[];
}

type Inputs = Readonly<Record<string, ArrayTensor>>;

/** @param examples Inputs of one example each. */
export function lookInside({ graph, annotated, left }: CompressedModel, examples: readonly Inputs[]): Inside {
  const float = canonicalize(graph);
  const quantized = quantizersOf(annotated);
  const seen = run(float, annotated, quantized, examples);
  const reasons = new Map(left.map(({ value, reason }) => [value, reason]));
  const role = roles(annotated, () => false);
  const weights = quantized.filter(({ kind }) => kind === 'weight');
  const noise = new Map(weights.map(({ value, quantizer }) => [value, weightNoise(annotated, value, quantizer)]));
  const rows = quantized.map(({ value, kind, quantizer }): ValueRow => {
    const decibels = noise.get(value) ?? seen.noise.get(value)?.decibels();
    const weight = annotated.weights.get(value);
    const reason = weight ? floatReader(annotated, value) : reasons.get(value);
    return {
      ...{ value, role: kind === 'weight' ? 'weight' : (role.get(value) ?? 'activation') },
      ...{ kind: quantizer.kind, bits: quantizer.bits, ...finite(decibels) },
      ...(weight && { bytes: codedBytes(weight.shape, quantizer) }),
      ...(reason === undefined ? { computed: 'integer' } : { computed: 'float', reason }),
    };
  });
  return {
    examples: examples.length,
    values: [...rows, ...withoutQuantizer(annotated, left)],
    depth: [...seen.depth].map(([value, sums]) => ({ value, ...finite(sums.decibels()) })),
    channels: mostUneven(seen.before, seen.after),
    weights: weights
      .filter(({ quantizer }) => quantizer.kind === 'uniform')
      .sort((a, b) => noise.get(a.value)! - noise.get(b.value)!)
      .slice(0, 6)
      .map(({ value, quantizer }) => histogramOf(annotated, value, quantizer)),
    probabilities: seen.codes,
  };
}

const finite = (decibels: number | undefined): { readonly sqnr?: number } =>
  decibels !== undefined && Number.isFinite(decibels) ? { sqnr: rounded(decibels) } : {};

/** What activations are in both models. */
function run(float: Graph, annotated: Graph, quantized: readonly Quantized[], examples: readonly Inputs[]) {
  const activations = quantized.filter(({ kind, value }) => kind === 'activation' && annotated.nodes.has(value));
  const noise = new Map(activations.map(({ value }) => [value, signalAndNoise()]));
  const stream = blocks(float)
    .map(({ output }) => output)
    .filter((output) => annotated.nodes.has(output));
  const depth = new Map(stream.map((value) => [value, signalAndNoise()]));
  const operands = [...roles(annotated, () => false)]
    .filter(([value, role]) => role === 'operand' && float.nodes.has(value) && annotated.nodes.has(value))
    .map(([value]) => value);
  const [before, after] = [new Map<string, Float32Array>(), new Map<string, Float32Array>()];
  const counted = firstMiddleLast(
    activations.filter(({ value, quantizer }) => quantizer.kind !== 'dynamic' && isProbability(annotated, value)),
  ).map(({ value, quantizer: { kind, bits } }) => ({
    value,
    kind,
    bits,
    counts: new Array<number>(2 ** bits).fill(0),
  }));
  if (examples.length === 0) return { noise, depth: [], before, after, codes: [] };

  const models = [executor(float), executor(annotated)] as const;
  const read = (model: (typeof models)[number], inputs: Inputs, names: readonly string[]) => {
    const tensors = model.run(inputs, names);
    const arrays = tensors.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync<'float32'>() }));
    for (const tensor of tensors) tensor.dispose();
    return new Map(names.map((name, i) => [name, arrays[i]!]));
  };
  const fake = (value: string): string => fakeQuantizeOf(annotated, value)!.name;
  const names = activations.flatMap(({ value }) => [value, fake(value)]);
  try {
    for (const inputs of examples) {
      const came = read(models[0], inputs, [...new Set([...stream, ...operands])]);
      const now = read(models[1], inputs, [...new Set([...stream, ...operands, ...names])]);
      for (const [value, sums] of noise) sums.add(now.get(value)!.data, now.get(fake(value))!.data);
      for (const [value, sums] of depth) {
        if (came.get(value)!.data.length === now.get(value)!.data.length)
          sums.add(came.get(value)!.data, now.get(value)!.data);
      }
      for (const value of operands) {
        raise(before, value, came.get(value)!);
        raise(after, value, now.get(value)!);
      }
      for (const { value, counts } of counted) {
        const { data, shape } = now.get(value)!;
        const codes = encode(data, shape, quantizerOf(annotated, value)!);
        for (const code of codes) counts[code < 0 ? code + counts.length : code]!++;
      }
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return { noise, depth, before, after, codes: counted };
}

const isProbability = (graph: Graph, value: string): boolean => graph.nodes.get(value)?.op === 'Softmax';

function firstMiddleLast<Item>(list: readonly Item[]): readonly Item[] {
  return list.length <= 3 ? list : [list[0]!, list[Math.floor(list.length / 2)]!, list.at(-1)!];
}

function weightNoise(graph: Graph, name: string, quantizer: Quantizer): number {
  const weight = graph.weights.get(name)!;
  const data = maskedData(graph, weight);
  return sqnr(data, onLevels(data, weight.shape, quantizer));
}

function codedBytes(shape: readonly number[], quantizer: Quantizer): number {
  const scales = quantizer.kind === 'dynamic' ? 0 : scaleCount(shape, quantizer);
  return Math.ceil((sizeOf(shape) * quantizer.bits) / 8) + 4 * scales;
}

/** Why what reads a weight computes in float, if it does. */
function floatReader(graph: Graph, weight: string): string | undefined {
  const reader = consumersOf(graph, tipOf(graph, weight))[0];
  if (reader?.op !== 'MatMul') return undefined;
  const operand = sourceOf(graph, reader.inputs[0]!);
  return quantizerOf(graph, operand) ? undefined : 'what it multiplies has no quantizer';
}

/** Matrices, tables and values that stayed what they were. */
function withoutQuantizer(graph: Graph, left: readonly LeftInFloat[]): ValueRow[] {
  const float = { role: 'none', kind: 'float', bits: 32, computed: 'float' } as const;
  const weights = quantizableWeights(graph).filter((name) => !quantizerOf(graph, name));
  return [
    ...weights.map((value): ValueRow => ({
      ...{ value, ...float, role: 'weight', reason: 'it has no quantizer' },
      bytes: graph.weights.get(value)!.data.byteLength,
    })),
    ...left
      .filter(({ value }) => !graph.nodes.has(value) || !quantizerOf(graph, value))
      .map(({ value, reason }): ValueRow => ({ value, ...float, reason })),
  ];
}
