import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { ensure, ensureFloats, provide, type Call } from './kernel.ts';
import { FLOAT, product } from './product.ts';

export interface MatMulAttrs {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** TensorFlow.js's own kernel is a scalar loop where an operand is transposed or has a batch. */
export function provideBatchMatMul(): void {
  provide<MatMulAttrs>(
    'BatchMatMul',
    () =>
      (call, { a, b }, attrs) =>
        matMul(call, 'BatchMatMul', a!, b!, attrs),
  );
}

/**
 * a [.., rows, depth] times b [.., depth, columns], transposed or not → [.., rows, columns]; batches broadcast.
 * bias: float32 [columns], from which the sums start.
 */
export function matMul(
  call: Call,
  kernel: string,
  a: TensorInfo,
  b: TensorInfo,
  { transposeA = false, transposeB = false }: MatMulAttrs,
  bias?: TensorInfo,
): TensorInfo {
  ensureFloats(kernel, { a, b, ...(bias && { bias }) });
  for (const [name, { shape }] of Object.entries({ a, b })) {
    ensure(shape.length >= 2, kernel, `${name} must have at least 2 axes`, `[${shape.join(', ')}]`);
  }
  const [rows, depth] = matrixOf(a, transposeA);
  const [inner, columns] = matrixOf(b, transposeB);
  ensure(
    depth === inner,
    kernel,
    `inner sizes of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] must be equal`,
    inner,
  );
  const batches = [a, b].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
  const outer = broadcast_util.assertAndGetBroadcastShape(...batches);
  const y = call.make([...outer, rows, columns]);
  if (sizeOf(y.shape) === 0) return y;

  const left = { at: call.at(a), stride: transposeA ? rows : depth, transposed: transposeA };
  const right = { at: call.at(b), stride: transposeB ? depth : columns, transposed: transposeB };
  const to = { at: call.at(y), stride: columns };
  const start = bias ? call.at(bias) : 0;
  const count = sizeOf(outer);
  if (!transposeA && sizeOf(batches[1]) === 1) {
    // One right matrix for all: the rows of the batch are rows of one matrix.
    product(call, left, right, to, { rows: count * rows, columns, depth }, { start });
    return y;
  }
  const [lefts, rights] = batches.map((batch) => places(batch, outer)) as [number[], number[]];
  for (let i = 0; i < count; i++) {
    product(
      ...([call, { ...left, at: left.at + lefts[i]! * rows * depth * FLOAT }] as const),
      { ...right, at: right.at + rights[i]! * depth * columns * FLOAT },
      { ...to, at: to.at + i * rows * columns * FLOAT },
      ...([{ rows, columns, depth }, { start }] as const),
    );
  }
  return y;
}

function matrixOf({ shape }: TensorInfo, transposed: boolean): readonly [number, number] {
  const [first, second] = shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}

/** For every matrix of the outer batch, which one of this batch it is made from. */
function places(batch: readonly number[], outer: readonly number[]): number[] {
  let list = [0];
  const missing = outer.length - batch.length;
  outer.forEach((size, axis) => {
    const own = batch[axis - missing] ?? 1;
    list = list.flatMap((place) => Array.from({ length: size }, (_, i) => place * own + (own === 1 ? 0 : i)));
  });
  return list;
}
