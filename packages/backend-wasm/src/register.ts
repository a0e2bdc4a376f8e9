import { registerAttention } from './attention.ts';
import { registerDequantize } from './dequantize.ts';
import { registerEmbedding } from './embedding.ts';
import { registerLayerNorm } from './layer-norm.ts';
import { registerLinear } from './linear.ts';
import { registerPatchEmbed } from './patch-embed.ts';
import { registerQuantize } from './quantize.ts';

/** Every lowered op on the `wasm` backend. May be called again. */
export function registerWasmKernels(): void {
  registerQuantize();
  registerDequantize();
  registerLinear();
  registerAttention();
  registerLayerNorm();
  registerPatchEmbed();
  registerEmbedding();
}
