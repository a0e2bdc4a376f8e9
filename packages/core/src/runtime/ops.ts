import { CqAttention } from './attention.ts';
import { CqDequantize } from './dequantize.ts';
import { CqEmbedding } from './embedding.ts';
import { CqLayerNorm } from './layer-norm.ts';
import { CqLinear } from './linear.ts';
import type { LoweredOp } from './op.ts';
import { CqPatchEmbed } from './patch-embed.ts';
import { CqQuantize } from './quantize.ts';

/** Every lowered op. They exist because an integer kernel exists for them. */
export const loweredOps: ReadonlyMap<string, LoweredOp> = new Map(
  [CqQuantize, CqDequantize, CqLinear, CqAttention, CqLayerNorm, CqPatchEmbed, CqEmbedding].map((op) => [op.name, op]),
);
