import { registerOp } from '@tensorflow/tfjs-converter';
import {
  abs,
  clipByValue,
  customGrad,
  div,
  engine,
  fill,
  getBackend,
  getKernel,
  greater,
  isNaN,
  less,
  logicalAnd,
  max,
  mul,
  reshape,
  round,
  sub,
  tensor1d,
  tidy,
  where,
  zerosLike,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  type TensorContainer,
} from '@tensorflow/tfjs-core';
import { CqError } from './errors.ts';
import { checkScales, readForm, rowOf, type DynamicQuantizer, type StoredForm } from './quantizer.ts';
import { spread, sumPerScale } from './quantizers/spread.ts';
import { codeRange } from './runtime/arithmetic.ts';
import { SMALLEST_SCALE } from './runtime/row-scale.ts';

/**
 * How TensorFlow.js runs the two annotations while a model is being compressed:
 *
 *     CqMask(x, mask)                                       x · mask; the gradient is masked too
 *     CqFakeQuantize(x, scale, …constants) {kind, bits, …}  decode(encode(x)); the gradient passes straight through inside the range
 *
 * Only a dynamic quantizer has no scale. The constants are the tables of a codebook.
 */
export function registerAnnotations(): void {
  registerOp('CqMask', ({ inputs: [x, mask] }) => mul(x!, mask!));
  registerOp('CqFakeQuantize', ({ inputs, attrs }) => {
    const [x, scale, ...constants] = inputs as [Tensor, ...Tensor[]];
    if (x.dtype !== 'float32') throw new CqError(`CqFakeQuantize: x must be float32, got "${x.dtype}"`);
    const form = readForm('CqFakeQuantize', attrs, (index) => constants[index] && floatsOf(constants[index]));
    if (form.kind === 'dynamic') return fakeQuantizeRows(x, form);
    if (scale?.dtype !== 'float32') throw new CqError(`CqFakeQuantize: scale must be float32, got "${scale?.dtype}"`);
    checkScales('CqFakeQuantize', form, scale.size, x.shape);
    return fakeQuantize(x, scale, form);
  });
}

const floatsOf = (tensor: Tensor): Float32Array | undefined =>
  tensor.dtype === 'float32' ? (tensor.dataSync() as Float32Array) : undefined;

/**
 * decode(encode(x)) of a quantizer with stored scales. x: any shape; scale: [scales].
 * The gradient of a scale is LSQ's (Esser et al. 2020): level − v inside the range and the outermost level outside, in
 * units of the scale, without LSQ's normalising factor, which belongs to the optimiser.
 */
export function fakeQuantize(x: Tensor, scale: Tensor, form: StoredForm): Tensor {
  const { run, gradients } = fusedOf(form) ?? composedOf(form);
  return customGrad((...given) => {
    const [input, step, save] = given as unknown as [Tensor, Tensor, (tensors: Tensor[]) => void];
    save([input, step]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => gradients(dy, saved[0]!, saved[1]!);
    return { value: run(input, step), gradFunc: gradFunc as never };
  })(x, scale);
}

interface FakeQuantizer {
  run(x: Tensor, scale: Tensor): Tensor;
  gradients(dy: Tensor, x: Tensor, scale: Tensor): [dx: Tensor, dscale: Tensor];
}

/** In ops of TensorFlow.js. */
function composedOf(form: StoredForm): FakeQuantizer {
  const row = rowOf(form);
  const scaled = (x: Tensor, scale: Tensor): Tensor => withoutNaN(div(x, spread(scale, x.shape, form)));
  return {
    run: (x, scale) => mul(row.round(scaled(x, scale), form), spread(scale, x.shape, form)),
    gradients: (dy, x, scale) => {
      const v = scaled(x, scale);
      const inside = row.inside(v, form);
      const slope = sub(row.round(v, form), where(inside, v, zerosLike(v)));
      return [where(inside, dy, zerosLike(dy)), reshape(sumPerScale(dy, slope, form), scale.shape)];
    },
  };
}

/** In one kernel forward and one backward, where the backend has them. */
function fusedOf(form: StoredForm): FakeQuantizer | undefined {
  if (form.group !== undefined) return undefined;
  const axis = form.axis ?? -1;
  const cells = rowOf(form).cells?.(form);
  if (cells) {
    const { levels, boundaries } = cells;
    const tables = () => ({ levels: tensor1d(levels), boundaries: tensor1d(boundaries) });
    return kernelPair('CqFakeQuantizeCells', tables, { axis });
  }
  if (form.kind !== 'uniform') return undefined;
  const [low, high] = codeRange(form.bits, form.signed);
  const { zeroPoint } = form;
  return kernelPair('CqFakeQuantizeUniform', () => ({ zeroPoint: tensor1d([...zeroPoint]) }), { axis, low, high });
}

function kernelPair(name: string, constants: () => NamedTensorMap, attrs: NamedAttrMap): FakeQuantizer | undefined {
  if (!getKernel(name, getBackend())) return undefined;
  const run = <Result>(kernel: string, inputs: NamedTensorMap): Result =>
    tidy(() => engine().runKernel(kernel, { ...inputs, ...constants() }, attrs) as Result & TensorContainer) as Result;
  return {
    run: (x, scale) => run(name, { x, scale }),
    gradients: (dy, x, scale) => run(`${name}Grad`, { dy, x, scale }),
  };
}

/** decode(encode(x)) of a dynamic quantizer. x: [.., columns]. The gradient passes straight through: nothing is clipped. */
export function fakeQuantizeRows(x: Tensor, { bits }: DynamicQuantizer): Tensor {
  const [low, high] = codeRange(bits);
  return customGrad((...given) => {
    const input = withoutNaN(given[0] as Tensor);
    const largest = div(max(abs(input), -1, true), high);
    const sound = logicalAnd(greater(largest, SMALLEST_SCALE), less(largest, Infinity));
    const scale = where(sound, largest, fill(largest.shape, SMALLEST_SCALE));
    const value = mul(clipByValue(round(div(input, scale)), low, high), scale);
    return { value, gradFunc: (dy: Tensor) => dy };
  })(x);
}

/** NaN counts as zero. A number in the place of its zeros would be repeated one by one on `wasm`. */
const withoutNaN = (x: Tensor): Tensor => where(isNaN(x), zerosLike(x), x);
