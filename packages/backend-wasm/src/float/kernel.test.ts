import '@tensorflow/tfjs-backend-cpu';
import {
  engine,
  getKernel,
  getKernelsForBackend,
  memory,
  setBackend,
  tensor,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { stream } from '../testing/arbitrary.ts';
import '../testing/float/run.ts';
import { registerFloatKernels } from './index.ts';
import { floatWorkspaces } from './module.ts';
import type { WasmBackend } from '../workspace.ts';

interface Given {
  readonly kernel: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly attrs?: object;
}

/** A call of every kernel, on sizes that no tile and no vector divides. */
const calls: readonly Given[] = (
  [
    ['BatchMatMul', { a: [2, 5, 7], b: [2, 7, 9] }],
    ['BatchMatMul', { a: [2, 7, 5], b: [2, 9, 7] }, { transposeA: true, transposeB: true }],
    ['BatchMatMul', { a: [3, 7], b: [7, 19] }],
    ['_FusedMatMul', { a: [2, 5, 7], b: [1, 9, 7], bias: [9] }, { transposeB: true, activation: 'relu6' }],
    ['Erf', { x: [3, 5] }],
    ['Sum', { x: [3, 5, 7] }, { axis: [0, 1] }],
    ['Sum', { x: [3, 5, 7] }, { axis: [1], keepDims: true }],
    ['Identity', { x: [3, 5] }],
    ['Transpose', { x: [2, 3, 2, 3, 2, 3] }, { perm: [0, 2, 4, 1, 3, 5] }],
    ['UnsortedSegmentSum', { x: [3, 5], segmentIds: [3] }, { numSegments: 4 }],
    [
      'Conv2DBackpropFilter',
      { x: [2, 5, 6, 3], dy: [2, 3, 3, 5] },
      { strides: 2, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 3, 5] },
    ],
    ['CqFusedGelu', { x: [3, 5] }, { approximate: true }],
    ['CqFusedGeluGrad', { dy: [3, 5], x: [3, 5] }, { approximate: false }],
    ['CqFusedLayerNorm', { x: [3, 7], gamma: [7], beta: [7] }, { epsilon: 1e-5 }],
    ['CqFusedLayerNormGrad', { dy: [3, 7], x: [3, 7], gamma: [7] }, { epsilon: 1e-5 }],
    ['CqFusedSoftmax', { x: [3, 7] }],
    ['CqFusedSoftmaxGrad', { dy: [3, 7], y: [3, 7] }],
    ['CqFusedLogits', { q: [2, 5, 6], k: [2, 7, 6] }, { heads: 2, factor: 0.5 }],
    ['CqFusedContext', { p: [2, 2, 5, 7], v: [2, 7, 6] }, { factor: 1, transposed: false }],
    ['CqFakeQuantizeUniform', { x: [3, 5, 7], scale: [7], zeroPoint: [7] }, { axis: 2, low: -8, high: 7 }],
    ['CqFakeQuantizeCells', { x: [3, 5], scale: [3], levels: [4], boundaries: [3] }, { axis: 0 }],
    ['CqFakeQuantizeCellsGrad', { dy: [3, 5], x: [3, 5], scale: [5], levels: [4], boundaries: [3] }, { axis: 1 }],
    ['CqFakeQuantizeUniformGrad', { dy: [3, 5], x: [3, 5], scale: [3], zeroPoint: [3] }, { axis: 0, low: -8, high: 7 }],
  ] as const
).map(([kernel, shapes, attrs]) => ({ kernel, shapes, ...(attrs && { attrs }) }));

const tensors = (shapes: Given['shapes'], next: () => number): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const ids = name === 'segmentIds';
      const data = Array.from({ length: sizeOf(shape) }, () => (ids ? Math.floor(next() * 4) : next() - 0.3));
      return [name, tensor(data, [...shape], ids ? 'int32' : 'float32')];
    }),
  );

const runAll = (inputs: Record<string, Tensor>, { kernel, attrs = {} }: Omit<Given, 'shapes'>): Tensor[] =>
  [engine().runKernel(kernel, inputs, attrs as never) as Tensor | Tensor[]].flat();

test.each(calls)('%s %j %j writes nothing outside its outputs and its scratch memory', async ({ shapes, ...call }) => {
  await setBackend('wasm');
  const next = stream(1);
  for (let round = 0; round < 10; round++) {
    const inputs = tensors(shapes, next);
    const before = Object.values(inputs).map((input) => input.dataSync());
    // Neighbours of outputs of every size: malloc puts them side by side.
    const guards = Array.from({ length: 8 }, () =>
      tensor(new Uint8Array(16 + 8 * round).fill(0x5a), undefined, 'bool'),
    );
    for (const i of [1, 3, 5]) guards[i]!.dispose();
    const outputs = runAll(inputs, call);
    for (const i of [0, 2, 4, 6, 7]) expect(new Set(guards[i]!.dataSync())).toEqual(new Set([0x5a]));
    expect(Object.values(inputs).map((input) => input.dataSync())).toEqual(before);
    for (const gone of [...outputs, ...guards, ...Object.values(inputs)]) gone.dispose();
  }
});

test.each(calls)('$kernel leaves neither tensors nor memory behind', async ({ shapes, ...call }) => {
  await setBackend('wasm');
  const inputs = tensors(shapes, stream(2));
  const heap = () => (engine().backend as WasmBackend).wasm.asm.memory!.buffer.byteLength;
  for (const output of runAll(inputs, call)) output.dispose();
  const [{ numTensors, numDataBuffers, numBytes }, bytes] = [memory(), heap()];
  for (let i = 0; i < 100; i++) for (const output of runAll(inputs, call)) output.dispose();
  expect(memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
  expect(heap()).toBe(bytes);
  for (const gone of Object.values(inputs)) gone.dispose();
});

test('every float kernel is called here, but those that are made of others', async () => {
  const called = new Set(calls.map(({ kernel }) => kernel));
  const fused = getKernelsForBackend('wasm').filter(({ kernelName }) => /^Cq(Fused|FakeQuantize)/.test(kernelName));
  expect(fused.map(({ kernelName }) => kernelName).filter((name) => !called.has(name))).toEqual([]);
});

test('registering again changes nothing', () => {
  const kernels = getKernelsForBackend('wasm');
  registerFloatKernels();
  expect(getKernelsForBackend('wasm')).toEqual(kernels);
  expect(getKernel('BatchMatMul', 'wasm')).toBe(kernels.find(({ kernelName }) => kernelName === 'BatchMatMul'));
});

test('tensors of another backend are brought onto the heap', async () => {
  await setBackend('cpu');
  const [a, b] = [tensor([1, 2, 3, 4], [2, 2]), tensor([5, 6, 7, 8], [2, 2])];
  await setBackend('wasm');
  const [y] = runAll({ a, b }, { kernel: 'BatchMatMul' });
  expect([...y!.dataSync()]).toEqual([19, 22, 43, 50]);
});

test('scratch memory is given back with the backend, and made again', async () => {
  await setBackend('wasm');
  const wasm = engine().backend as WasmBackend;
  const workspace = floatWorkspaces.of(wasm);
  expect(workspace.scratch(1000) % 64).toBe(0);
  floatWorkspaces.dispose(wasm);
  expect(floatWorkspaces.of(wasm)).not.toBe(workspace);
});
