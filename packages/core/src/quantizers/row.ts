import type { Tensor } from '@tensorflow/tfjs-core';
import type { Attr } from '../graph.ts';
import type { Granularity } from '../runtime/granularity.ts';
import type { AttributeReader } from './attributes.ts';
import type { Cells } from './cells.ts';

/** What every quantizer with stored scales has. Their number is `scaleCount` of the value's shape. */
export interface Scaled extends Granularity {
  readonly bits: number;
  readonly scale: Float32Array;
}

/** A quantizer without its scales, which may be a tensor that is being trained. */
export type Form<Q> = Omit<Q, 'scale'>;

/** How a kind stands in the attributes and constants of CqFakeQuantize. */
export interface Written<F> {
  write(form: F): Readonly<Record<string, Attr>>;
  /** Constants behind the scale, in the order in which `read` asks for them. */
  tables?(form: F): Readonly<Record<string, Float32Array>>;
  /** @throws CqError for whatever `write` would not have written. */
  read(attributes: AttributeReader): F;
}

/** All there is to know of one kind of quantizer. Every scale is positive; v = fround(x / scale). */
export interface QuantizerRow<Q extends Scaled> extends Written<Form<Q>> {
  /** Real number → code, for scale `index`. NaN encodes as zero does. */
  encoder(quantizer: Q, index: number): (x: number) => number;
  /** Code → real number, a float32, for scale `index`. */
  decoder(quantizer: Q, index: number): (code: number) => number;
  /** The same in TensorFlow.js: v, no NaN → decoder(encoder(x)) / scale. */
  round(v: Tensor, form: Form<Q>): Tensor;
  /** Where the gradient passes: the v that are not clipped. */
  inside(v: Tensor, form: Form<Q>): Tensor;
  /** The quantizer as a table; absent where the levels are evenly spaced. */
  cells?(form: Form<Q>): Cells;
}
