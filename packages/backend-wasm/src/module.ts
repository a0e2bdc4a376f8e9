import { CqError } from '@cq/core/runtime';
import { kernels } from './generated/kernels.ts';

/** What of TensorFlow.js's wasm module is used here. The threaded build keeps its memory elsewhere than the plain one. */
export interface Heap {
  readonly asm: { readonly memory?: WebAssembly.Memory };
  readonly wasmMemory?: WebAssembly.Memory;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** A function of assembly/: addresses, sizes and numbers; flags are 0 or 1. */
type Kernel = (...parameters: readonly number[]) => void;
type Size = (...parameters: readonly number[]) => number;

/** The exports of assembly/index.ts. */
export interface Kernels {
  readonly quantize: Kernel;
  readonly dequantize: Kernel;
  readonly layerNorm: Kernel;
  readonly linear: Kernel;
  readonly linearScratch: Size;
  readonly patchEmbed: Kernel;
  readonly patchEmbedScratch: Size;
  readonly attention: Kernel;
  readonly attentionScratch: Size;
  readonly embedding: Kernel;
}

/** The kernels on the heap's own memory. */
export function instantiate(heap: Heap): Kernels {
  const memory = heap.asm.memory ?? heap.wasmMemory;
  if (!memory) {
    throw new CqError('backend-wasm: the "wasm" backend shows no memory; @tensorflow/tfjs-backend-wasm 4.22 is needed');
  }
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const module = new WebAssembly.Module(shared ? withSharedMemory(kernelBytes()) : kernelBytes());
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

/** The binary, for a memory that is not shared. */
export function kernelBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(kernels), (character) => character.charCodeAt(0));
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
