/** Distil, prune, quantize. */
export type Step = 'D' | 'P' | 'Q';

/** A smaller BERT made of the teacher. */
export type Shape = 'half depth' | 'half width';

/** One of the 20 combinations. Without D the steps act on the teacher itself, so its rows are the same for both shapes. */
export interface Combination {
  readonly shape: Shape;
  readonly pipeline: readonly Step[];
}

export const shapes: readonly Shape[] = ['half depth', 'half width'];

/** Ten orders: with and without distillation, pruning and quantization in either order. */
export const pipelines: readonly (readonly Step[])[] = [
  [],
  ['P'],
  ['Q'],
  ['P', 'Q'],
  ['Q', 'P'],
  ['D'],
  ['D', 'P'],
  ['D', 'Q'],
  ['D', 'P', 'Q'],
  ['D', 'Q', 'P'],
];

export const preset: readonly Combination[] = shapes.flatMap((shape) =>
  pipelines.map((pipeline) => ({ shape, pipeline })),
);

/** What the steps act on. */
export const modelOf = ({ shape, pipeline }: Combination): Shape | 'teacher' =>
  pipeline.includes('D') ? shape : 'teacher';

/** Combinations that share it are one cell. */
export const cellOf = (combination: Combination): string =>
  [modelOf(combination).replace(' ', '-'), ...combination.pipeline].join('-');
