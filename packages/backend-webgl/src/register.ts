import { registerAdd } from './add.ts';
import { registerAttention } from './attention.ts';
import { registerDequantize } from './dequantize.ts';
import { registerDynamicLinear } from './dynamic-linear.ts';
import { registerEmbedding } from './embedding.ts';
import { registerFloatLinear } from './float-linear.ts';
import { registerLayerNorm } from './layer-norm.ts';
import { registerLinear } from './linear.ts';
import { registerMovements } from './movements.ts';
import { registerPatchEmbed } from './patch-embed.ts';
import { registerQuantize } from './quantize.ts';
import { registerShiftAttention } from './shift-attention.ts';
import { registerShiftLayerNorm } from './shift-layer-norm.ts';
import { registerShiftLinear } from './shift-linear.ts';
import { registerShiftPatchEmbed } from './shift-patch-embed.ts';
import { registerWeight } from './weight.ts';

/** Every lowered op on the `webgl` backend, and the movements of codes. May be called again. */
export function registerWebglKernels(): void {
  registerQuantize();
  registerDequantize();
  registerLinear();
  registerAttention();
  registerLayerNorm();
  registerPatchEmbed();
  registerEmbedding();
  registerAdd();
  registerDynamicLinear();
  registerFloatLinear();
  registerWeight();
  registerShiftLinear();
  registerShiftAttention();
  registerShiftLayerNorm();
  registerShiftPatchEmbed();
  registerMovements();
}
