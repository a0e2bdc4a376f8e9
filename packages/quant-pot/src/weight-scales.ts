import { onLevels, type Gram, type UniformQuantizer } from '@cq/core';
import { dispose, matMul, mul, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { candidateScales, decibels, symmetricAt, type Scales } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';

/** A weight of a linear layer, and what the layer reads in the quantized model. */
export interface WeightProblem {
  readonly name: string;
  /** Masked. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** The axis of the outputs. */
  readonly axis: 0 | 1;
  readonly input: Gram;
}

export interface WeightCodes {
  readonly bits: number;
  /** Whether every output has a scale of its own, or the weight has one. */
  readonly perOutput: boolean;
  readonly scales: Scales;
}

export interface ChosenWeight {
  readonly quantizer: UniformQuantizer;
  /** `data` on the levels of the quantizer. */
  readonly levels: Float32Array;
  /** Which candidate every scale was, from 0. */
  readonly candidates: readonly number[];
  /** Of the layer's output. */
  readonly sqnr: number;
}

/**
 * The scale, or the scale of every output, with which the layer's output errs least: Σ_tokens |x̂ · (ŵ − w)|², x̂ its quantized
 * input. P²-ViT compares x̂ · ŵ with the float model's x · w instead; as x̂ is noisy, that favours weights that are too small,
 * which at 4 bits ruins the model.
 */
export function weightScales(problem: WeightProblem, { bits, perOutput, scales }: WeightCodes): ChosenWeight {
  const { name, data, shape, axis } = problem;
  const lists = outputMaxima(problem, perOutput).map((size) => candidateScales(name, 2 * size, bits, scales));
  const at = (choice: (output: number) => number): UniformQuantizer =>
    symmetricAt(
      bits,
      lists.map((list, output) => list[choice(output)]!),
      perOutput ? axis : undefined,
    );
  const tried = lists[0]!.map((_, k) => {
    const quantizer = at(() => k);
    return onLevels(data, shape, quantizer);
  });
  const [signal, ...errors] = outputEnergies(problem, [data, ...tried.map((levels) => difference(levels, data))]);
  const totals = errors.map(total);
  const chosen = lists.map((_, output) => indexOfLeast(perOutput ? errors.map((error) => error[output]!) : totals));
  const noise = perOutput ? chosen.reduce((all, k, output) => all + errors[k]![output]!, 0) : totals[chosen[0]!]!;
  const quantizer = at((output) => chosen[output]!);
  return {
    quantizer,
    levels: perOutput ? onLevels(data, shape, quantizer) : tried[chosen[0]!]!,
    candidates: chosen,
    sqnr: decibels(total(signal!), noise),
  };
}

/** The largest magnitude of every output's weights, or of all; not less than what is nothing beside the largest of all. */
function outputMaxima({ data, shape, axis }: WeightProblem, perOutput: boolean): number[] {
  const [, columns] = shape;
  const maxima = new Float64Array(perOutput ? shape[axis] : 1);
  for (let i = 0; i < data.length; i++) {
    const output = perOutput ? (axis === 1 ? i % columns : Math.floor(i / columns)) : 0;
    const size = data[i]! < 0 ? -data[i]! : data[i]!;
    if (size > maxima[output]!) maxima[output] = size;
  }
  const most = maxima.reduce((largest, size) => Math.max(largest, size), 0) || 1;
  return Array.from(maxima, (size) => Math.max(size, most * NOTHING));
}

const NOTHING = 2 ** -24;

/** Σ_tokens |x̂ · w|² of every output, [outputs], for weights of one shape: wᵀ · H · w with H = Σ_tokens x̂ x̂ᵀ. */
function outputEnergies({ shape, axis, input }: WeightProblem, weights: readonly Float32Array[]): Float32Array[] {
  const energies = tidy(() => {
    const moments = tensor2d(Float32Array.from(input.matrix), [input.size, input.size]);
    return weights.map((data) => {
      const w = tensor2d(data, [...shape]);
      return sum(mul(w, axis === 0 ? matMul(w, moments) : matMul(moments, w)), 1 - axis);
    });
  });
  const values = energies.map((energy) => energy.dataSync<'float32'>());
  dispose(energies);
  return values;
}

const difference = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value - b[i]!);

const total = (values: Float32Array): number => values.reduce((all, value) => all + value, 0);
