import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { CqError } from '@cq/core/runtime';
import { instantiate, type Heap, type Kernels } from './module.ts';

/** What of TensorFlow.js's `BackendWasm` is used here. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: Heap;
  /** Its `get` brings the data of another backend onto the heap first. */
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
}

/** The kernels of one backend, and their scratch memory on its heap. */
export interface Workspace {
  readonly kernels: Kernels;
  /** Address of at least so many bytes, until the next call. */
  scratch(bytes: number): number;
  dispose(): void;
}

const workspaces = new WeakMap<WasmBackend, Workspace>();

/** Made when a backend runs its first kernel: kernels may be registered after `tf.setBackend`, which calls no set-up then. */
export function workspaceOf(backend: WasmBackend): Workspace {
  let workspace = workspaces.get(backend);
  if (!workspace) workspaces.set(backend, (workspace = createWorkspace(backend.wasm)));
  return workspace;
}

/** Gives the scratch memory back. The backend may still be used: it gets a new workspace. */
export function disposeWorkspace(backend: WasmBackend): void {
  workspaces.get(backend)?.dispose();
  workspaces.delete(backend);
}

/** Address of a tensor. It stays valid when the heap grows; typed arrays on the heap do not. */
export function addressOf(backend: WasmBackend, { dataId }: TensorInfo): number {
  return backend.dataIdMap.get(dataId).memoryOffset;
}

/** A cache line: no vector of the scratch memory lies across two. */
const ALIGNMENT = 64;

function createWorkspace(heap: Heap): Workspace {
  let block = 0;
  let size = 0;
  return {
    kernels: instantiate(heap),
    scratch(bytes) {
      if (bytes > size) {
        if (block) heap._free(block);
        [block, size] = [0, 0];
        const grown = heap._malloc(bytes + ALIGNMENT) >>> 0; // addresses above 2 GiB come back negative
        if (grown === 0) throw new CqError(`backend-wasm: no memory left for ${bytes} bytes of scratch`);
        [block, size] = [grown, bytes];
      }
      return Math.ceil(block / ALIGNMENT) * ALIGNMENT;
    },
    dispose() {
      if (block) heap._free(block);
      [block, size] = [0, 0];
    },
  };
}
