import {
  backend,
  engine,
  findBackend,
  getKernel,
  memory,
  removeBackend,
  setBackend,
  tensor,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { CqLinear, CqQuantize, layoutOf, type LinearAttrs, type Operand } from '@cq/core/runtime';
import { registerWasmKernels } from './index.ts';
import { disposeWorkspace, workspaceOf, type WasmBackend } from './memory.ts';
import { codes, floats, integers, panels, stream } from './testing/arbitrary.ts';
import { expectReference, run, runKernel } from './testing/equals-reference.ts';

const attrs: LinearAttrs = {
  ...{
    outputs: 24,
    inputs: 100,
    weightBits: 8,
    layout: 'k2n8',
    bits: 8,
    zeroPoint: 0,
    tableBits: 0,
    tableZeroPoint: 0,
  },
  ...{ residual: false, residualMultiplier: 1, residualZeroPoint: 0 },
  ...{ inputScale: 1, inputZeroPoint: 0, tableScale: 1, outputScale: 1, residualScale: 1, activation: 'none' },
};

function linear(rows: number, { inputs, outputs, weightBits } = attrs): Record<string, Operand> {
  const next = stream(rows);
  return {
    x: codes(next, [rows, inputs], 'even'),
    w: panels(next, outputs, inputs, 'even', weightBits),
    bias: integers([outputs], () => next() * 1000),
    multiplier: floats([outputs], () => next() / 1000),
  };
}

const withWeights = (weightBits: number): LinearAttrs => ({ ...attrs, weightBits, layout: layoutOf(weightBits) });

const tensors = (operands: Record<string, Operand>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(operands).map(([name, { data, shape, dtype }]) => [name, tensor(data, [...shape], dtype)]),
  );

const wasm = () => backend() as unknown as WasmBackend;
const heapBytes = () => wasm().wasm.asm.memory!.buffer.byteLength;

beforeEach(() => setBackend('wasm'));

test('importing again registers nothing twice', () => {
  const kernel = getKernel('CqLinear', 'wasm');
  registerWasmKernels();
  expect(getKernel('CqLinear', 'wasm')).toBe(kernel);
});

test('a hundred calls leave no tensor and no memory behind', () => {
  const inputs = tensors(linear(500));
  runKernel(CqLinear, inputs, attrs).dispose();
  const [{ numTensors, numBytes }, bytes] = [memory(), heapBytes()];
  for (let i = 0; i < 100; i++) runKernel(CqLinear, inputs, attrs).dispose();
  expect(memory()).toMatchObject({ numTensors, numBytes });
  expect(heapBytes()).toBe(bytes);
  for (const input of Object.values(inputs)) input.dispose();
});

test.each([4, 8])('results with %i-bit weights stay right after the heap has grown', async (weightBits) => {
  const attrs = withWeights(weightBits);
  const inputs = tensors(linear(50, attrs));
  const before = runKernel(CqLinear, inputs, attrs);
  const [codesBefore, bytes] = [before.dataSync(), heapBytes()];
  const large = zeros([bytes / 4]);
  expect(heapBytes()).toBeGreaterThan(bytes);
  const after = runKernel(CqLinear, inputs, attrs);
  expect(after.dataSync()).toEqual(codesBefore);
  await expectReference(CqLinear, linear(77, attrs), attrs);
  for (const gone of [large, before, after, ...Object.values(inputs)]) gone.dispose();
});

test('a kernel whose own output makes the heap grow reads and writes at the right places', async () => {
  const wide = { ...attrs, outputs: 4000, inputs: 2, bits: 32 };
  const bytes = heapBytes();
  const operands = linear(Math.ceil(bytes / 4 / wide.outputs), wide);
  await expectReference(CqLinear, operands, wide);
  await setBackend('wasm');
  expect(heapBytes()).toBeGreaterThan(bytes);
});

test('scratch memory is kept, grown when needed and given back', () => {
  const workspace = workspaceOf(wasm());
  const large = workspace.scratch(1 << 20);
  expect(large % 64).toBe(0);
  expect(workspace.scratch(100)).toBe(large);
  disposeWorkspace(wasm());
  expect(workspaceOf(wasm())).not.toBe(workspace);
});

test('no kernel writes outside its output and its scratch memory', async () => {
  // Neighbours of outputs of every size: malloc puts them side by side.
  for (let rows = 1; rows < 40; rows++) {
    const weights = withWeights([1, 2, 3, 4, 8][rows % 5]!);
    const sizes = { ...weights, outputs: (rows % 9) + 1, inputs: (rows % 7) + 1 };
    const inputs = tensors(linear(rows, sizes));
    const guards = Array.from({ length: 8 }, () => tensor(new Uint8Array(64).fill(0x5a), [64], 'bool'));
    for (const i of [1, 3, 5]) guards[i]!.dispose();
    const output = runKernel(CqLinear, inputs, sizes);
    for (const i of [0, 2, 4, 6, 7]) expect(guards[i]!.dataSync()).toEqual(new Uint8Array(64).fill(0x5a));
    for (const gone of [output, ...guards, ...Object.values(inputs)]) gone.dispose();
  }
});

test('tensors of another backend are brought onto the heap', async () => {
  const operands = linear(9);
  const expected = await run('cpu', CqLinear, operands, attrs);
  await setBackend('cpu');
  const inputs = tensors(operands);
  await setBackend('wasm');
  expect(runKernel(CqLinear, inputs, attrs).dataSync()).toEqual(expected.data);
});

test('what does not fit is refused before any kernel runs, and leaves nothing behind', () => {
  const inputs = tensors({ x: floats([3], () => 1) });
  const { numTensors, numDataBuffers } = memory();
  const quantize = (zeroPoint: number, bits: number) => () =>
    runKernel(CqQuantize, inputs, { scale: 1, zeroPoint, bits });
  expect(quantize(0, 17)).toThrow('bits must be 1 to 16');
  expect(quantize(128, 8)).toThrow('zeroPoint must be a code, -128 to 127, got 128');
  expect(memory()).toMatchObject({ numTensors, numDataBuffers });
});

test('a backend that was removed and made again gets kernels of its own', async () => {
  const factory = engine().registryFactory['wasm']!;
  const first = wasm();
  removeBackend('wasm');
  engine().registerBackend('wasm', factory.factory, factory.priority);
  await setBackend('wasm');
  expect(findBackend('wasm')).not.toBe(first);
  const again = await run('wasm', CqLinear, linear(5), attrs);
  expect(again.data).toEqual((await run('cpu', CqLinear, linear(5), attrs)).data);
});
