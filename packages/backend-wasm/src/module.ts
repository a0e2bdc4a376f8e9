import { instantiateOn, type Heap, type Kernel, type Size } from './heap.ts';
import { kernelBytes, kernelVariant } from './variant.ts';

export { withSharedMemory, type Heap } from './heap.ts';

/** The exports of assembly/index.ts. */
export interface Kernels {
  readonly quantize: Kernel;
  readonly dequantize: Kernel;
  readonly layerNorm: Kernel;
  readonly layerNormScratch: Size;
  readonly linear: Kernel;
  readonly linearScratch: Size;
  readonly dynamicLinear: Kernel;
  readonly dynamicLinearScratch: Size;
  readonly floatLinear: Kernel;
  readonly floatLinearScratch: Size;
  readonly patchEmbed: Kernel;
  readonly patchEmbedScratch: Size;
  readonly attention: Kernel;
  readonly attentionScratch: Size;
  readonly shiftLinear: Kernel;
  readonly shiftLinearScratch: Size;
  readonly shiftPatchEmbed: Kernel;
  readonly shiftPatchEmbedScratch: Size;
  readonly shiftLayerNorm: Kernel;
  readonly shiftLayerNormScratch: Size;
  readonly shiftAttention: Kernel;
  readonly embedding: Kernel;
  readonly weight: Kernel;
  readonly add: Kernel;
}

/** The kernels on the heap's own memory. */
export function instantiate(heap: Heap, variant = kernelVariant()): Kernels {
  return instantiateOn(heap, kernelBytes(variant));
}
