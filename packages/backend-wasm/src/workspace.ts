import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, type Heap } from './heap.ts';

/** What of TensorFlow.js's `BackendWasm` is used here. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: Heap;
  /** Its `get` brings the data of another backend onto the heap first. */
  readonly dataIdMap: { has(dataId: object): boolean; get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
}

/** The kernels of one backend, and their scratch memory on its heap. */
export interface Workspace<Kernels> {
  readonly kernels: Kernels;
  /** Address of at least so many bytes, until the next call. */
  scratch(bytes: number): number;
  dispose(): void;
}

/** The workspaces of one module of kernels, one for each backend. */
export interface Workspaces<Kernels> {
  /** Made when a backend runs its first kernel: kernels may be registered after `tf.setBackend`, which calls no set-up then. */
  of(backend: WasmBackend): Workspace<Kernels>;
  /** Gives the scratch memory back. The backend may still be used: it gets a new workspace. */
  dispose(backend: WasmBackend): void;
}

export function workspaces<Kernels>(instantiate: (heap: Heap) => Kernels): Workspaces<Kernels> {
  const made = new WeakMap<WasmBackend, Workspace<Kernels>>();
  return {
    of(backend) {
      let workspace = made.get(backend);
      if (!workspace) made.set(backend, (workspace = createWorkspace(backend.wasm, instantiate)));
      return workspace;
    },
    dispose(backend) {
      made.get(backend)?.dispose();
      made.delete(backend);
    },
  };
}

/** Address of a tensor. It stays valid when the heap grows; typed arrays on the heap do not. */
export function addressOf(backend: WasmBackend, { dataId }: TensorInfo): number {
  return backend.dataIdMap.get(dataId).memoryOffset;
}

/** A cache line: no vector of the scratch memory lies across two. */
const ALIGNMENT = 64;

function createWorkspace<Kernels>(heap: Heap, instantiate: (heap: Heap) => Kernels): Workspace<Kernels> {
  let block = 0;
  let size = 0;
  return {
    kernels: instantiate(heap),
    scratch(bytes) {
      if (bytes > size) {
        if (block) heap._free(block);
        [block, size] = [0, 0];
        [block, size] = [allocate(heap, bytes + ALIGNMENT), bytes];
      }
      return Math.ceil(block / ALIGNMENT) * ALIGNMENT;
    },
    dispose() {
      if (block) heap._free(block);
      [block, size] = [0, 0];
    },
  };
}
