// Everything here works on addresses in TensorFlow.js's own heap. The module has no static data and allocates nothing:
// its callers bring scratch memory, as large as the `…Scratch` functions say.
export { quantize } from './quantize';
export { dequantize } from './dequantize';
export { linear, linearScratch } from './linear';
export { patchEmbed, patchEmbedScratch } from './patch-embed';
export { attention, attentionScratch } from './attention';
export { layerNorm } from './layer-norm';
export { embedding } from './embedding';
