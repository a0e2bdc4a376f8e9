import '@tensorflow/tfjs-backend-cpu';
import {
  engine,
  env,
  setBackend,
  tensor,
  tidy,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { Attrs, LoweredOp, Operand } from '@cq/core/runtime';
import '../index.ts';
import { useThreads } from './threads.ts';

env().set('IS_TEST', true); // no advice to install another backend

export type Operands = Readonly<Record<string, Operand>>;

/**
 * Runs the registered kernels of the op on both backends, the wasm one on several numbers of threads; their outputs must be the
 * same bytes.
 */
export async function expectReference(op: LoweredOp, operands: Operands, attrs: Attrs): Promise<void> {
  const cpu = await run('cpu', op, operands, attrs);
  await setBackend('wasm');
  for (const threads of [1, 2, 3]) {
    await useThreads(threads);
    const wasm = await run('wasm', op, operands, attrs);
    expect({ dtype: wasm.dtype, shape: wasm.shape }).toEqual({ dtype: cpu.dtype, shape: cpu.shape });
    if (Buffer.compare(bytes(wasm), bytes(cpu)) === 0) continue;
    expect({ threads, data: Array.from(wasm.data) }).toEqual({ threads, data: Array.from(cpu.data) });
  }
  await useThreads(1);
}

export async function run(backend: string, op: LoweredOp, operands: Operands, attrs: Attrs): Promise<Operand> {
  await setBackend(backend);
  const inputs: NamedTensorMap = {};
  for (const [name, { data, shape, dtype }] of Object.entries(operands)) inputs[name] = tensor(data, [...shape], dtype);
  const output = runKernel(op, inputs, attrs);
  const { dtype, shape } = output;
  const data = output.dataSync();
  for (const input of [...Object.values(inputs), output]) input.dispose();
  return { dtype, shape, data } as Operand;
}

export function runKernel(op: LoweredOp, inputs: NamedTensorMap, attrs: Attrs): Tensor {
  return tidy(() => engine().runKernel(op.name, inputs, attrs as unknown as NamedAttrMap) as Tensor);
}

function bytes({ data }: Operand): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
