import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import {
  backend_util,
  getKernel,
  registerKernel,
  slice_util,
  unregisterKernel,
  util,
  type KernelFunc,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { acquire, adopt, draw, gpuOf, textureOf, type Gpu } from './gpu.ts';
import type { ElementBits, Texture } from './texture.ts';

/**
 * Slice, Transpose, PadV2 and Concat of tensors in our textures; TensorFlow.js's own kernels go on with all others. Its Reshape
 * needs no other: elements lie in row-major order.
 */
export function registerMovements(): void {
  extend('Slice', (gpu, { x }, attrs) => {
    const { begin, size } = attrs as unknown as { begin: number[]; size: number[] };
    const [from, shape] = slice_util.parseSliceParams(x as never, begin, size) as [number[], number[]];
    const steps = util.computeStrides([...x!.shape, 1]);
    const start = from.reduce((sum, at, axis) => sum + at * steps[axis]!, 0);
    return gather(gpu, x!, shape, steps, start);
  });
  extend('Transpose', (gpu, { x }, attrs) => {
    const { perm } = attrs as unknown as { perm: number[] };
    const steps = util.computeStrides([...x!.shape, 1]);
    return gather(gpu, x!, perm.map((axis) => x!.shape[axis]!), perm.map((axis) => steps[axis]!), 0); // prettier-ignore
  });
  extend('PadV2', (gpu, { x }, attrs) => {
    const { paddings, constantValue } = attrs as unknown as { paddings: [number, number][]; constantValue: number };
    const shape = x!.shape.map((size, axis) => paddings[axis]![0] + size + paddings[axis]![1]);
    return pad(gpu, x!, shape, paddings.map(([before]) => before), constantValue); // prettier-ignore
  });
  extend('Concat', (gpu, inputs, attrs) => {
    const parts = Object.values(inputs);
    const axis = util.parseAxisParam((attrs as unknown as { axis: number }).axis, parts[0]!.shape)[0]!;
    return concat(gpu, parts.filter(({ shape }) => util.sizeFromShape(shape) > 0), axis); // prettier-ignore
  });
}

type Move = (gpu: Gpu, inputs: Record<string, TensorInfo>, attrs: unknown) => TensorInfo | undefined;

/** The kernels that this file has put before those of TensorFlow.js. */
const ours = new WeakSet<KernelFunc>();

function extend(kernelName: string, move: Move): void {
  const stock = getKernel(kernelName, 'webgl');
  if (!stock || ours.has(stock.kernelFunc)) return;
  const kernelFunc: KernelFunc = (given) => {
    const backend = given.backend as MathBackendWebGL;
    const inputs = given.inputs as Record<string, TensorInfo>;
    const tensors = Object.values(inputs);
    const empty = tensors.every(({ shape }) => util.sizeFromShape(shape) === 0);
    // Codes on their way: weights and others that no program of ours has made stay with TensorFlow.js.
    const codes = !empty && tensors.some(({ dataId }) => gpuOf(backend).textures.has(dataId));
    return (codes ? move(gpuOf(backend), inputs, given.attrs) : undefined) ?? stock.kernelFunc(given);
  };
  ours.add(kernelFunc);
  unregisterKernel(kernelName, 'webgl');
  registerKernel({ ...stock, kernelFunc });
}

/** Element (i, j, ..) of the output is element start + i · steps[0] + j · steps[1] + .. of x. */
function gather(
  gpu: Gpu,
  x: TensorInfo,
  shape: readonly number[],
  steps: readonly number[],
  start: number,
): TensorInfo | undefined {
  const source = textureOf(gpu, x);
  if (!source) return undefined;
  const axes = shape.map((_, axis) => axis).reverse();
  const body = `
uint element(int i) {
  int rest = i;
  int at = start;
  ${axes.map((a) => `at += (rest % size${a}) * step${a};\n  rest /= size${a};`).join('\n  ')}
  return uint(xAt(at));
}`;
  return move(
    gpu,
    x.dtype,
    shape,
    source.bits,
    (target) =>
    draw(gpu, { body, gives: 'element' }, { x: source }, { start, ...numbered('size', shape), ...numbered('step', steps.slice(0, shape.length)) }, target), // prettier-ignore
  );
}

function pad(
  gpu: Gpu,
  x: TensorInfo,
  shape: readonly number[],
  before: readonly number[],
  value: number,
): TensorInfo | undefined {
  const source = textureOf(gpu, x);
  if (!source) return undefined;
  const axes = shape.map((_, axis) => axis).reverse();
  const steps = util.computeStrides([...x.shape, 1]);
  const body = `
uint element(int i) {
  int rest = i;
  int at = 0;
  int place;
  ${axes
    .map(
      (a) => `place = rest % size${a} - before${a};
  if (place < 0 || place >= count${a}) return uint(value);
  at += place * step${a};
  rest /= size${a};`,
    )
    .join('\n  ')}
  return uint(xAt(at));
}`;
  const ints = {
    ...{ value, ...numbered('size', shape), ...numbered('before', before) },
    ...{ ...numbered('count', x.shape), ...numbered('step', steps) },
  };
  return move(gpu, x.dtype, shape, source.bits, (target) =>
    draw(gpu, { body, gives: 'element' }, { x: source }, ints, target),
  );
}

/** Eight at a time: an engine has 16 textures for a program. */
const MOST_PARTS = 8;

function concat(gpu: Gpu, parts: readonly TensorInfo[], axis: number): TensorInfo | undefined {
  if (parts.length > MOST_PARTS) {
    const first = concat(gpu, parts.slice(0, MOST_PARTS), axis);
    const all = first && concat(gpu, [first, ...parts.slice(MOST_PARTS)], axis);
    if (first) gpu.backend.disposeIntermediateTensorInfo(first);
    return all;
  }
  const sources = parts.map((part) => textureOf(gpu, part));
  if (sources.some((source) => !source)) return undefined;
  const shape = backend_util.computeOutShape(parts.map((part) => part.shape), axis); // prettier-ignore
  const inner = util.sizeFromShape(shape.slice(axis + 1));
  const body = `
uint element(int i) {
  int outer = i / total;
  int rest = i - outer * total;
  ${parts.map((_, p) => `if (rest < size${p}) return uint(part${p}At(outer * size${p} + rest));\n  rest -= size${p};`).join('\n  ')}
  return 0u;
}`;
  const inputs = Object.fromEntries(sources.map((source, p) => [`part${p}`, source!]));
  const sizes = parts.map((part) => part.shape[axis]! * inner);
  const bits = Math.max(...sources.map((source) => source!.bits)) as ElementBits;
  return move(gpu, parts[0]!.dtype, shape, bits, (target) =>
    draw(gpu, { body, gives: 'element' }, inputs, { total: shape[axis]! * inner, ...numbered('size', sizes) }, target),
  );
}

function numbered(name: string, values: readonly number[]): Record<string, number> {
  return Object.fromEntries(values.map((value, i) => [`${name}${i}`, value]));
}

function move(
  gpu: Gpu,
  dtype: TensorInfo['dtype'],
  shape: readonly number[],
  bits: ElementBits,
  run: (target: Texture) => void,
): TensorInfo | undefined {
  const size = util.sizeFromShape([...shape]);
  if (size === 0) return undefined;
  const info = gpu.backend.makeTensorInfo([...shape], dtype);
  const target = acquire(gpu, size, bits);
  adopt(gpu, info.dataId, target);
  run(target);
  return info;
}
