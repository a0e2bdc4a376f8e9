/** Sizes by axis, negative where one may vary: UNKNOWN, or a number that stands for the size of an input along an axis. */
export type Sizes = readonly number[];

export const UNKNOWN = -1;

/** What is known of the shapes in a graph. */
export interface Shapes {
  /** The shape of a value, in which sizes that vary alike are one number; undefined if not even its rank is known. */
  of(value: string | undefined): Sizes | undefined;
  /** The same with the sizes of those inputs that it was computed from. */
  asWritten(value: string | undefined): Sizes | undefined;
  /**
   * A list of integers that follows from constants and shapes, as written, UNKNOWN where nothing does; a scalar is a list
   * of one.
   */
  integers(value: string | undefined): Sizes | undefined;
  /** Where a size that varies comes from, if that is known. */
  axisOf(size: number): Axis | undefined;
}

/** An axis of an input. */
export interface Axis {
  readonly input: string;
  readonly axis: number;
}

/** Whether two shapes must be one wherever both have as many values: at most one axis rests on that count. */
export function sameWherePossible(a: Sizes, b: Sizes): boolean {
  return a.length === b.length && a.filter((size, axis) => size === UNKNOWN || size !== b[axis]).length <= 1;
}

/** Whether a shape is any batch with these sizes behind it. */
export const hasSizes = (shape: Sizes | undefined, sizes: Sizes): boolean =>
  shape?.length === sizes.length + 1 && sizes.every((size, i) => size === shape[i + 1]);

/** Whether two shapes are one but for sizes of 1. */
export function sameButOnes(a: Sizes | undefined, b: Sizes | undefined): boolean {
  const [left, right] = [a, b].map((sizes) => sizes?.filter((size) => size !== 1));
  return left !== undefined && right !== undefined && String(left) === String(right);
}
