// Everything here works on addresses in TensorFlow.js's own heap. The module has no static data and allocates nothing:
// its callers bring scratch memory, as large as the `…Scratch` functions say.
export { quantize } from './quantize';
export { dequantize } from './dequantize';
export { linear, linearScratch } from './linear';
export { dynamicLinear, dynamicLinearScratch } from './dynamic-linear';
export { floatLinear, floatLinearScratch } from './float-linear';
export { patchEmbed, patchEmbedScratch } from './patch-embed';
export { attention, attentionScratch, shiftAttention } from './attention';
export { shiftLinear, shiftLinearScratch } from './shift-linear';
export { shiftPatchEmbed, shiftPatchEmbedScratch } from './shift-patch-embed';
export { shiftLayerNorm, shiftLayerNormScratch } from './shift-layer-norm';
export { layerNorm, layerNormScratch } from './layer-norm';
export { embedding } from './embedding';
export { weight } from './weight';
export { add } from './add';
