import { floatKernels } from '../generated/float-kernels.ts';
import { fromBase64, instantiateOn, type Kernel, type Size } from '../heap.ts';
import { workspaces } from '../workspace.ts';

/** The exports of assembly/float/index.ts. */
export interface FloatKernels {
  readonly matMul: Kernel;
  readonly matMulScratch: Size;
  readonly erf: Kernel;
  readonly gelu: Kernel;
  readonly geluGrad: Kernel;
  readonly layerNorm: Kernel;
  readonly layerNormGrad: Kernel;
  readonly softmax: Kernel;
  readonly softmaxGrad: Kernel;
  readonly sumRows: Kernel;
  readonly segmentSum: Kernel;
  readonly transpose: Kernel;
  readonly patches: Kernel;
  readonly fakeQuantize: Kernel;
  readonly fakeQuantizeGrad: Kernel;
  readonly fakeQuantizeGradScratch: Size;
  readonly fakeQuantizeCells: Kernel;
  readonly fakeQuantizeCellsGrad: Kernel;
  readonly fakeQuantizeCellsGradScratch: Size;
}

/** The binary, for a memory that is not shared. */
export function floatKernelBytes(): Uint8Array<ArrayBuffer> {
  return fromBase64(floatKernels);
}

/** The float kernels of a backend. */
export const floatWorkspaces = workspaces((heap) => instantiateOn<FloatKernels>(heap, floatKernelBytes()));
