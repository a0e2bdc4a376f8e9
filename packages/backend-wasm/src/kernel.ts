import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { accept, type Accepted, type Attrs, type LoweredOp, type Operand } from '@cq/core/runtime';
import type { Kernels } from './module.ts';
import { addressOf, disposeWorkspace, workspaceOf, type WasmBackend } from './memory.ts';
import { runInParts, type Parting } from './threads/parts.ts';
import { endThreads, threadsOf } from './threads/threads.ts';

/** What a kernel works with: attributes, shapes, and where things are on the heap. */
export interface Call<A extends Attrs> {
  readonly kernels: Kernels;
  readonly attrs: A;
  readonly shapes: Accepted['shapes'];
  /** Address of every input; 0 for those that are absent. */
  at(input: string): number;
  /** Whether the codes of an input are int32. */
  wide(input: string): number;
  /** Address of scratch memory. */
  scratch(bytes: number): number;
  /** `size` elements of the output, of which `first` more come before in a call that is a part of another. */
  readonly output: { readonly at: number; readonly wide: number; readonly size: number; readonly first: number };
}

/**
 * Makes `run` the kernel of the op on the `wasm` backend, unless it has one.
 * @param parting How threads share the work; without, one thread does all of it.
 */
export function registerWasmKernel<A extends Attrs>(
  op: LoweredOp,
  run: (call: Call<A>) => void,
  parting?: Parting<A>,
): void {
  if (getKernel(op.name, 'wasm')) return;
  registerKernel({
    kernelName: op.name,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      execute(op, run, parting, inputs as Record<string, TensorInfo>, attrs as unknown as A, backend as WasmBackend),
    disposeFunc: (backend) => {
      endThreads(backend as WasmBackend);
      disposeWorkspace(backend as WasmBackend);
    },
  });
}

/** The kernels trust their addresses and sizes: nothing reaches them unchecked. */
function execute<A extends Attrs>(
  op: LoweredOp,
  run: (call: Call<A>) => void,
  parting: Parting<A> | undefined,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: A,
  backend: WasmBackend,
): TensorInfo {
  const { shapes, size, output: made } = accept(op, inputs as Readonly<Record<string, TensorInfo & Operand>>, attrs);
  const { kernels, scratch } = workspaceOf(backend);
  const output = backend.makeOutput([...made.shape], made.dtype);
  if (size === 0) return output;
  try {
    const call: Call<A> = {
      kernels,
      attrs,
      shapes,
      at: (input) => (inputs[input] ? addressOf(backend, inputs[input]) : 0),
      wide: (input) => Number(inputs[input]?.dtype === 'int32'),
      scratch,
      output: { at: addressOf(backend, output), wide: Number(made.dtype === 'int32'), size, first: 0 },
    };
    const threads = parting && threadsOf(backend);
    const parted = threads && size * parting.work(attrs, call.shapes) >= threads.leastWork;
    if (parted) runInParts({ run, call, parting, inputs, output }, threads);
    else run(call);
  } catch (error) {
    backend.disposeData(output.dataId, true);
    throw error;
  }
  return output;
}
