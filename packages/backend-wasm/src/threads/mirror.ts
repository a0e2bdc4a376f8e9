import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { allocate, memoryOf, type Heap } from '../heap.ts';
import { addressOf, type WasmBackend } from '../workspace.ts';

/** Copies of a backend's tensors in a memory that threads share, where its own heap is none. */
export interface Mirror {
  /** Address of a copy that is made once and stays as long as the tensor. */
  keep(tensor: TensorInfo): number;
  /** Addresses of blocks of so many bytes, until the next call. */
  stage(sizes: readonly number[]): readonly number[];
  /** Copies bytes of the backend's heap to here. */
  bring(from: number, bytes: number, to: number): void;
  /** Copies bytes from here to the backend's heap. */
  fetch(from: number, bytes: number, to: number): void;
}

/** A cache line. */
const ALIGNMENT = 64;

export function createMirror(backend: WasmBackend, heap: Heap): Mirror {
  const kept = new Map<object, number>();
  let block = { at: 0, bytes: 0 };

  /** Forgets tensors that are gone. */
  function sweep(): void {
    for (const [dataId, at] of kept) {
      if (backend.dataIdMap.has(dataId)) continue;
      heap._free(at);
      kept.delete(dataId);
    }
  }

  const bring: Mirror['bring'] = (from, bytes, to) => view(heap, to, bytes).set(view(backend.wasm, from, bytes));
  return {
    keep(tensor) {
      const known = kept.get(tensor.dataId);
      if (known !== undefined) return known;
      sweep();
      const bytes = bytesOf(tensor);
      const at = allocate(heap, bytes);
      bring(addressOf(backend, tensor), bytes, at);
      kept.set(tensor.dataId, at);
      return at;
    },
    stage(sizes) {
      const starts: number[] = [];
      let end = 0;
      for (const size of sizes) {
        starts.push(end);
        end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
      }
      if (end > block.bytes) {
        if (block.at) heap._free(block.at);
        block = { at: 0, bytes: 0 };
        block = { at: allocate(heap, end), bytes: end };
      }
      return starts.map((start) => block.at + start);
    },
    bring,
    fetch: (from, bytes, to) => view(backend.wasm, to, bytes).set(view(heap, from, bytes)),
  };
}

export function bytesOf({ shape, dtype }: TensorInfo): number {
  return sizeOf(shape) * (dtype === 'bool' ? 1 : 4);
}

function view(heap: Heap, at: number, bytes: number): Uint8Array {
  return new Uint8Array(memoryOf(heap).buffer, at, bytes);
}
