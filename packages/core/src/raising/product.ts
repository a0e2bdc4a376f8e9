import type { Weight } from '../graph.ts';
import type { LinearAttrs } from '../runtime/linear.ts';
import { sizeOf } from '../runtime/op.ts';
import { fromPanels, type PanelAttrs } from '../runtime/panel.ts';
import type { PatchSizes } from '../runtime/patch-embed.ts';
import type { Writer } from './writer.ts';

/** Patches of an image times a weight, with class tokens and positions added. */
export function raisePatches(
  image: string,
  a: ProductAttrs & PatchSizes & { readonly prefix: number },
  unit: Float64Array,
  positions: Float32Array,
  write: Writer,
): string {
  const rows = positions.length / a.outputs;
  const suffix = rows - a.prefix - a.rows * a.columns;
  const channels = a.inputs / (a.patch * a.patch);
  const grid = { size: a.patch, channels, rows: a.rows, columns: a.columns };
  const patches = write.part('patches', 'Patches', [image], grid);
  const product = raiseProduct(patches, a, unit, write);
  const paddings = write.constant('paddings', [3, 2], Int32Array.of(0, 0, a.prefix, suffix, 0, 0));
  const padded = write.part('padded', 'Pad', [product, paddings]);
  return write.part('sum', 'AddV2', [padded, write.constant('positions', [1, rows, a.outputs], positions)]);
}

export const powers = (exponents: Weight['data']): Float64Array =>
  Float64Array.from(exponents, (exponent) => 2 ** exponent);

/** What 1 of each accumulator is: multiplier[n] · target. */
export const units = (target: number, write: Writer): Float64Array =>
  Float64Array.from(write.data(3), (multiplier) => multiplier * target);

/** x · w + b of accumulators in units of `unit`: w[k, n] = code · unit[n] / s_x and b the rest of the bias. */
export function raiseProduct(
  x: string,
  { inputs, outputs, weightBits, inputScale, inputZeroPoint }: ProductAttrs,
  unit: Float64Array,
  write: Writer,
): string {
  const codes = fromPanels(write.data(1) as Uint8Array, outputs, inputs, weightBits);
  const bias = write.data(2);
  const weights = new Float32Array(sizeOf([inputs, outputs]));
  const biases = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      const code = codes[n * inputs + k]!;
      weights[k * outputs + n] = (code * unit[n]!) / inputScale;
      sum += code;
    }
    biases[n] = (bias[n]! + inputZeroPoint * sum) * unit[n]!;
  }
  const product = write.part('product', 'MatMul', [x, write.constant('decoded', [inputs, outputs], weights)]);
  return write.part('biased', 'BiasAdd', [product, write.constant('decoded_bias', [outputs], biases)]);
}

type ProductAttrs = Pick<LinearAttrs, 'inputs' | 'outputs' | 'weightBits' | 'inputScale' | 'inputZeroPoint'>;

/** x · w + bias, with w[k, n] = code · scale[n, ⌊k / group⌋]. */
export function raiseFloatProduct(
  x: string,
  { inputs, outputs, weightBits }: PanelAttrs,
  group: number,
  bias: string,
  write: Writer,
): void {
  const codes = fromPanels(write.data(1) as Uint8Array, outputs, inputs, weightBits);
  const scales = write.data(2) as Float32Array;
  const groups = scales.length / outputs;
  const weights = Float32Array.from(codes, (code, i) => {
    const [n, k] = [Math.floor(i / inputs), i % inputs];
    return code * scales[n * groups + Math.floor(k / group)]!;
  });
  const decoded = write.constant('decoded', [outputs, inputs], weights);
  write.last('BiasAdd', [write.part('product', 'MatMul', [x, decoded], { transpose_b: true }), bias]);
}
