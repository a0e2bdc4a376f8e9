export { clamp, codeRange, requantize, roundHalfEven } from './arithmetic.ts';
export { asInt8, fromPanels, layoutOf, panelBytes, storedBits, toPanels } from './panel.ts';
export type { PanelAttrs, PanelLayout } from './panel.ts';
export { packRows, rowBytes, unpackRow, unpackRows } from './bits.ts';
export { eachRun, scaleCount, type Granularity } from './granularity.ts';
export { codesOf, codeType, sizeOf } from './op.ts';
export type { Attrs, AttrType, CodeType, LoweredOp, Operand, Shaped, TensorType } from './op.ts';
export { CqQuantize, type QuantizeAttrs } from './quantize.ts';
export { CqDequantize, type DequantizeAttrs } from './dequantize.ts';
export { CqLinear, type LinearAttrs } from './linear.ts';
export { CqLayerNorm, epsilonTerm, LAYER_NORM_CHANNELS, type LayerNormAttrs } from './layer-norm.ts';
export { biasBound, CqAttention, type AttentionAttrs } from './attention.ts';
export { CqPatchEmbed, type PatchEmbedAttrs } from './patch-embed.ts';
export { CqEmbedding, type EmbeddingAttrs } from './embedding.ts';
export { CqDynamicLinear, type DynamicLinearAttrs } from './dynamic-linear.ts';
export { CqFloatLinear, type FloatLinearAttrs } from './float-linear.ts';
export { CqWeight, type WeightAttrs } from './weight.ts';
export { CqAdd, type AddAttrs } from './add.ts';
export { EXPONENT, roundShift, shifted } from './shift.ts';
export { CqShiftLinear, type ShiftLinearAttrs } from './shift-linear.ts';
export { CqShiftPatchEmbed, type ShiftPatchEmbedAttrs } from './shift-patch-embed.ts';
export {
  CqShiftLayerNorm,
  GAMMA,
  integerRoot,
  reciprocalRoot,
  shiftFactors,
  type ShiftLayerNormAttrs,
} from './shift-layer-norm.ts';
export {
  attentionShifts,
  CqShiftAttention,
  shareOf,
  shiftBiasBound,
  type ShiftAttentionAttrs,
} from './shift-attention.ts';
export { accept, type Accepted } from './accept.ts';
export { loweredOps } from './ops.ts';
export { registerLoweredOps } from './register.ts';
export { CqError } from '../errors.ts';
