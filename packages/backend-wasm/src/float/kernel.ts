import { getKernel, registerKernel, unregisterKernel, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';
import { CqError } from '@cq/core/runtime';
import { endThreads, threadsOf, type Threads } from '../threads/threads.ts';
import { addressOf, type WasmBackend } from '../workspace.ts';
import { floatWorkspaces, type FloatKernels } from './module.ts';

/** What a float kernel works with. */
export interface Call {
  readonly kernels: FloatKernels;
  readonly backend: WasmBackend;
  /** Address of a tensor. */
  at(tensor: TensorInfo): number;
  /** Address of at least so many bytes, until the next call. */
  scratch(bytes: number): number;
  /** Undefined if there is one. */
  readonly threads: Threads | undefined;
  /** A tensor to be written. Whatever can be refused is refused before. */
  make(shape: readonly number[], dtype?: 'float32' | 'int32'): TensorInfo;
}

export type Inputs = Readonly<Record<string, TensorInfo>>;

/** Inputs by name and attributes → outputs. Attributes are what TensorFlow.js's own ops or those of @cq/core hand over. */
export type FloatKernel<Attrs> = (call: Call, inputs: Inputs, attrs: Attrs) => TensorInfo | TensorInfo[];

/**
 * Makes what is built the kernel of that name on the `wasm` backend, in place of TensorFlow.js's own if there is one, which
 * it may be built on. May be called again.
 */
export function provide<Attrs>(name: string, build: (stock: KernelFunc | undefined) => FloatKernel<Attrs>): void {
  const stock = getKernel(name, 'wasm');
  if (stock && provided.has(stock.kernelFunc)) return;
  const run = build(stock?.kernelFunc);
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) =>
    run(callOn(backend as WasmBackend), inputs as Inputs, attrs as unknown as Attrs);
  provided.add(kernelFunc);
  if (stock) unregisterKernel(name, 'wasm');
  registerKernel({
    ...stock,
    kernelName: name,
    backendName: 'wasm',
    kernelFunc,
    disposeFunc: (backend) => {
      endThreads(backend as WasmBackend);
      floatWorkspaces.dispose(backend as WasmBackend);
    },
  });
}

const provided = new WeakSet<KernelFunc>();

function callOn(backend: WasmBackend): Call {
  const { kernels, scratch } = floatWorkspaces.of(backend);
  return {
    kernels,
    backend,
    scratch,
    threads: threadsOf(backend),
    at: (tensor) => addressOf(backend, tensor),
    make: (shape, dtype = 'float32') => backend.makeOutput(shape, dtype),
  };
}

/** Throws `<kernel>: <what>, got <got>` unless it holds. */
export function ensure(holds: boolean, kernel: string, what: string, got: unknown): asserts holds {
  if (!holds) throw new CqError(`${kernel}: ${what}, got ${String(got)}`);
}

export function ensureFloats(kernel: string, inputs: Inputs): void {
  for (const [name, { dtype }] of Object.entries(inputs)) {
    ensure(dtype === 'float32', kernel, `${name} must be float32`, dtype);
  }
}

/** Throws unless a tensor has this shape. */
export function ensureShape(kernel: string, name: string, { shape }: TensorInfo, wanted: readonly number[]): void {
  const same = shape.length === wanted.length && shape.every((size, i) => size === wanted[i]);
  ensure(same, kernel, `${name} must be [${wanted.join(', ')}]`, `[${shape.join(', ')}]`);
}
