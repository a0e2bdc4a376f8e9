import {
  compensate,
  decode,
  gptqSolver,
  searchClips,
  symmetric,
  type Gram,
  type Matrix,
  type UniformQuantizer,
} from '@cq/core';

export interface RoundedWeight {
  /** Lies in the cells of the codes, as near to the float weight as they let it: training goes on from here. [inputs, outputs] */
  readonly data: Float32Array;
  readonly quantizer: UniformQuantizer;
  readonly biasChange: Float64Array;
  /** Mean squared error of the layer's output by its new codes on the inputs of the Gram matrix. */
  readonly loss: number;
}

/** Parts of the largest magnitude of an output that its codes may reach. */
const CLIPS = [1, 0.9, 0.8, 0.7, 0.62, 0.55, 0.48];

/** Of `compensate`, much of it: what makes up for the errors of few examples by heart does not for those of others. */
const DAMPING = 0.3;

/** How far from its code a weight may stand, in steps. */
const REACH = 0.45;

/**
 * Codes for a weight by GPTQ, aimed at what the float model's layer gives (`compensate`), with the clip of each output that loses
 * least; then the weight moved into their cells.
 * @param gram Of the quantized inputs, with a row of ones and the cross term with the float ones.
 */
export function roundWeight(matrix: Matrix, gram: Gram, bits: number): RoundedWeight {
  const { name, shape, mask } = matrix;
  const [, outputs] = shape;
  const { weight, biasChange } = compensate(matrix, gram, DAMPING);
  if (mask) weight.forEach((value, i) => (weight[i] = mask[i] === 0 ? 0 : value));
  const solve = gptqSolver(gram, { order: 'diagonal' });
  const moved = { name, shape, data: weight };
  const { clip, loss: least } = searchClips({ ...moved, ...(mask && { mask }) }, bits, CLIPS, solve);
  const quantizer = symmetric(bits, clip, 1);
  const { codes } = solve({ weight: moved, quantizer, ...(mask && { mask }) });
  const levels = decode(codes, shape, quantizer);
  const data = levels.map((level, i) => {
    if (mask?.[i] === 0) return 0;
    const reach = REACH * quantizer.scale[i % outputs]!;
    return level + Math.max(-reach, Math.min(reach, weight[i]! - level));
  });
  const loss = least.reduce((sum, value) => sum + value, 0) / outputs;
  return { data, quantizer, biasChange: Float64Array.from(biasChange), loss };
}
