import { CqAdd } from './add.ts';
import { CqAttention } from './attention.ts';
import { CqDequantize } from './dequantize.ts';
import { CqDynamicLinear } from './dynamic-linear.ts';
import { CqEmbedding } from './embedding.ts';
import { CqFloatLinear } from './float-linear.ts';
import { CqLayerNorm } from './layer-norm.ts';
import { CqLinear } from './linear.ts';
import type { LoweredOp } from './op.ts';
import { CqPatchEmbed } from './patch-embed.ts';
import { CqQuantize } from './quantize.ts';
import { CqShiftAttention } from './shift-attention.ts';
import { CqShiftLayerNorm } from './shift-layer-norm.ts';
import { CqShiftLinear } from './shift-linear.ts';
import { CqShiftPatchEmbed } from './shift-patch-embed.ts';
import { CqWeight } from './weight.ts';

/** Every lowered op. They exist because an integer kernel exists for them. */
export const loweredOps: ReadonlyMap<string, LoweredOp> = new Map(
  [
    ...[CqQuantize, CqDequantize, CqLinear, CqAttention, CqLayerNorm, CqPatchEmbed, CqEmbedding, CqAdd],
    ...[CqDynamicLinear, CqFloatLinear, CqWeight],
    ...[CqShiftLinear, CqShiftAttention, CqShiftLayerNorm, CqShiftPatchEmbed],
  ].map((op) => [op.name, op]),
);
