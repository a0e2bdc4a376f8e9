import { registerAdd } from './add.ts';
import { registerAttention } from './attention.ts';
import { registerDequantize } from './dequantize.ts';
import { registerDynamicLinear } from './dynamic-linear.ts';
import { registerEmbedding } from './embedding.ts';
import { registerFloatLinear } from './float-linear.ts';
import { registerLayerNorm } from './layer-norm.ts';
import { registerLinear } from './linear.ts';
import { registerPatchEmbed } from './patch-embed.ts';
import { registerQuantize } from './quantize.ts';
import { registerShiftAttention } from './shift-attention.ts';
import { registerShiftLayerNorm } from './shift-layer-norm.ts';
import { registerShiftLinear } from './shift-linear.ts';
import { registerShiftPatchEmbed } from './shift-patch-embed.ts';
import { registerWeight } from './weight.ts';

/** Every lowered op on the `wasm` backend. May be called again. */
export function registerWasmKernels(): void {
  registerQuantize();
  registerDequantize();
  registerLinear();
  registerDynamicLinear();
  registerFloatLinear();
  registerAttention();
  registerLayerNorm();
  registerPatchEmbed();
  registerEmbedding();
  registerWeight();
  registerAdd();
  registerShiftLinear();
  registerShiftAttention();
  registerShiftLayerNorm();
  registerShiftPatchEmbed();
}
