import { onLevels, type UniformQuantizer } from '@cq/core';
import { matMul, square, sub, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { candidateScales, decibels, symmetricAt, type Scales } from './scales.ts';
import { indexOfLeast } from './tensor-scale.ts';
import type { Tokens } from './token-sample.ts';

/** A weight of a linear layer, and what the layer reads in the quantized model. */
export interface WeightProblem {
  readonly name: string;
  /** Masked. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** The axis of the outputs. */
  readonly axis: 0 | 1;
  readonly input: Tokens;
}

export interface WeightCodes {
  readonly bits: number;
  /** Whether every output has a scale of its own, or the weight has one. */
  readonly perOutput: boolean;
  readonly scales: Scales;
}

export interface ChosenWeight {
  readonly quantizer: UniformQuantizer;
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
  const { data, shape, axis } = problem;
  const candidates = outputMaxima(problem, perOutput).map((size) =>
    candidateScales(problem.name, 2 * size, bits, scales),
  );
  const at = (choice: (output: number) => number): UniformQuantizer =>
    symmetricAt(
      bits,
      candidates.map((list, output) => list[choice(output)]!),
      perOutput ? axis : undefined,
    );
  const errors = candidates[0]!.map((_, k) => {
    const error = outputEnergies(
      problem,
      onLevels(
        data,
        shape,
        at(() => k),
      ),
      data,
    );
    return perOutput ? error : Float32Array.of(total(error));
  });
  const chosen = candidates.map((_, output) => indexOfLeast(errors.map((error) => error[output]!)));
  const noise = chosen.reduce((sum, k, output) => sum + errors[k]![output]!, 0);
  const signal = total(outputEnergies(problem, data));
  return { quantizer: at((output) => chosen[output]!), candidates: chosen, sqnr: decibels(signal, noise) };
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

/** Σ_tokens |x · (weight − other)|² of every output: [outputs]. */
function outputEnergies(
  { shape, axis, input }: WeightProblem,
  weight: Float32Array,
  other?: Float32Array,
): Float32Array {
  const [rows, columns] = shape;
  return tidy(() => {
    const x = tensor2d(input.data, [input.data.length / input.channels, input.channels]);
    const w = tensor2d(weight, [rows, columns]);
    const difference = other ? sub(w, tensor2d(other, [rows, columns])) : w;
    return sum(square(matMul(x, difference, false, axis === 0)), 0).dataSync<'float32'>();
  });
}

const total = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);
