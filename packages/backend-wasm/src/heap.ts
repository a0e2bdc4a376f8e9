import { CqError } from '@cq/core/runtime';

/** What of TensorFlow.js's wasm module is used here. The threaded build keeps its memory elsewhere than the plain one. */
export interface Heap {
  readonly asm: { readonly memory?: WebAssembly.Memory };
  readonly wasmMemory?: WebAssembly.Memory;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** A function of assembly/: addresses, sizes and numbers; flags are 0 or 1. */
export type Kernel = (...parameters: readonly number[]) => void;
export type Size = (...parameters: readonly number[]) => number;

/** The exports of a binary on the heap's own memory. */
export function instantiateOn<Kernels>(heap: Heap, bytes: Uint8Array<ArrayBuffer>): Kernels {
  const memory = memoryOf(heap);
  const module = new WebAssembly.Module(isShared(heap) ? withSharedMemory(bytes) : bytes);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

export function memoryOf(heap: Heap): WebAssembly.Memory {
  const memory = heap.asm.memory ?? heap.wasmMemory;
  if (!memory) {
    throw new CqError('backend-wasm: the "wasm" backend shows no memory; @tensorflow/tfjs-backend-wasm 4.22 is needed');
  }
  return memory;
}

/** Whether threads can share the heap. */
export function isShared(heap: Heap): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memoryOf(heap).buffer instanceof SharedArrayBuffer;
}

/** Address of so many bytes; those above 2 GiB come back negative from `_malloc`. */
export function allocate(heap: Heap, bytes: number): number {
  const at = heap._malloc(bytes) >>> 0;
  if (at === 0) throw new CqError(`backend-wasm: no memory left for ${bytes} bytes`);
  return at;
}

/** A binary as build-wasm.mjs writes it. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** The import of the memory ends in its limits: flags 1 (there is a maximum), 1 page, 65536 pages. */
const LIMITS = [...'env', '\x06', ...'memory'].map((character) => character.charCodeAt(0)).concat(2, 1, 1, 128, 128, 4);
const FLAGS_FROM_END = 5;
const SHARED_WITH_MAXIMUM = 3;

/** The same code for a shared memory: one flag of its import differs. */
export function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = bytes.findIndex((_, i) => LIMITS.every((byte, j) => bytes[i + j] === byte));
  if (at < 0) throw new CqError('backend-wasm: the kernels were built without a limit on their memory');
  const shared = bytes.slice();
  shared[at + LIMITS.length - FLAGS_FROM_END] = SHARED_WITH_MAXIMUM;
  return shared;
}
