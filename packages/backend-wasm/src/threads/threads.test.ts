import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { backend, engine, memory, removeBackend, setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { CqLinear, layoutOf, type LinearAttrs, type Operand } from '@cq/core/runtime';
import { setThreads } from '../index.ts';
import { codes, floats, integers, panels, stream } from '../testing/arbitrary.ts';
import { run, runKernel } from '../testing/equals-reference.ts';
import type { WasmBackend } from '../workspace.ts';
import { threadsOf } from './threads.ts';

const attrs: LinearAttrs = {
  ...{ outputs: 96, inputs: 300, weightBits: 8, layout: layoutOf(8), bits: 16, zeroPoint: 3 },
  ...{ tableBits: 0, tableZeroPoint: 0, residual: true, residualMultiplier: 0.7, residualZeroPoint: -5 },
  ...{ inputScale: 1, inputZeroPoint: 0, tableScale: 1, outputScale: 1, residualScale: 1, activation: 'none' },
};

/** More work than one thread does alone. */
const ROWS = 150;

function operandsOf(rows: number, seed = 1): Record<string, Operand> {
  const next = stream(seed);
  const { inputs, outputs } = attrs;
  return {
    x: codes(next, [rows, inputs], 'even'),
    w: panels(next, outputs, inputs, 'even'),
    bias: integers([outputs], () => next() * 1000),
    multiplier: floats([outputs], () => next() / 100),
    residual: codes(next, [rows, outputs], 'even', 16, 'int32'),
  };
}

const tensorsOf = (operands: Record<string, Operand>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(operands).map(([name, { data, shape, dtype }]) => [name, tensor(data, [...shape], dtype)]),
  );

const threads = () => threadsOf(backend() as unknown as WasmBackend);
const linear = (operands = operandsOf(ROWS)) => run('wasm', CqLinear, operands, attrs);

/** Workers in the order of their start. */
const workers: Worker[] = [];
const builtin = process.getBuiltinModule('node:worker_threads');
const { Worker: Original } = builtin;

beforeAll(() => {
  builtin.Worker = class extends Original {
    constructor(...parameters: ConstructorParameters<typeof Worker>) {
      super(...parameters);
      workers.push(this);
    }
  };
});
afterAll(() => {
  builtin.Worker = Original;
});
beforeEach(async () => {
  await setBackend('wasm');
});
afterEach(async () => {
  if (backend()) await setThreads(1);
});

test('the bytes are those of the definition, whatever the number of threads', async () => {
  const expected = await run('cpu', CqLinear, operandsOf(ROWS), attrs);
  await setBackend('wasm');
  for (const count of [2, 1, 3, 2]) {
    expect(await setThreads(count)).toBe(count);
    expect(threads()?.pool.threads ?? 1).toBe(count);
    expect((await linear()).data).toEqual(expected.data);
  }
});

test('calls that come before the last has resolved are met in turn', async () => {
  const expected = await linear();
  const before = workers.length;
  expect(await Promise.all([setThreads(3), setThreads(1), setThreads(2)])).toEqual([3, 1, 2]);
  const started = workers.slice(before);
  expect(started.map(({ threadId }) => threadId > 0)).toEqual([false, false, true]); // −1 once a worker has ended
  expect((await linear()).data).toEqual(expected.data);
});

test('a small call stays on one thread', async () => {
  await setThreads(2);
  const parted = jest.spyOn(threads()!.pool, 'run');
  await linear(operandsOf(10));
  expect(parted).not.toHaveBeenCalled();
  await linear();
  expect(parted).toHaveBeenCalledTimes(1);
});

test('calls on several threads leave no tensor behind', async () => {
  await setThreads(2);
  const inputs = tensorsOf(operandsOf(ROWS));
  runKernel(CqLinear, inputs, attrs).dispose();
  const { numTensors, numBytes } = memory();
  for (let i = 0; i < 50; i++) runKernel(CqLinear, inputs, attrs).dispose();
  expect(memory()).toMatchObject({ numTensors, numBytes });
  for (const input of Object.values(inputs)) input.dispose();
});

test('a worker that was killed is one error within 2 seconds, and one thread goes on', async () => {
  await setThreads(2);
  const before = await linear();
  await workers.at(-1)!.terminate();
  const start = performance.now();
  await expect(linear()).rejects.toThrow(
    'backend-wasm: all 2 threads must answer, got a worker that ended; kernels use one from here on, setThreads starts others',
  );
  expect(performance.now() - start).toBeLessThan(2000);
  expect(threads()).toBeUndefined();
  expect((await linear()).data).toEqual(before.data);
  expect(await setThreads(2)).toBe(2);
  expect((await linear()).data).toEqual(before.data);
});

test('workers end with their backend', async () => {
  const { factory, priority } = engine().registryFactory['wasm']!;
  await setThreads(2);
  const ended = once(workers.at(-1)!, 'exit');
  removeBackend('wasm');
  await ended;
  engine().registerBackend('wasm', factory, priority);
  await setBackend('wasm');
  expect(threads()).toBeUndefined();
});

test('where memory cannot be shared there is one thread', async () => {
  const { SharedArrayBuffer } = globalThis;
  globalThis.SharedArrayBuffer = undefined as never;
  const count = await setThreads(2);
  globalThis.SharedArrayBuffer = SharedArrayBuffer;
  expect(count).toBe(1);
});

test('workers that cannot start are an error with a remedy', async () => {
  const { Worker } = builtin;
  builtin.Worker = class extends Worker {
    constructor() {
      super('throw new Error("no workers here")', { eval: true });
    }
  };
  const starts = setThreads(2);
  await expect(starts).rejects.toThrow('setThreads: workers must start, got: no workers here');
  builtin.Worker = Worker;
  expect(threads()).toBeUndefined();
});

test.each([0, 1.5, 33, NaN, '2' as unknown as number])('a count of %p is refused', async (count) => {
  await expect(setThreads(count)).rejects.toThrow('setThreads: count must be a whole number from 1 to 32, got');
});

test('another backend is refused', async () => {
  await setBackend('cpu');
  await expect(setThreads(2)).rejects.toThrow('setThreads: the backend must be "wasm", got "cpu"; call tf.setBackend');
  await setBackend('wasm');
});
