export { quantizePot, type QuantizePotOptions } from './quantize-pot.ts';
export { hVit, hVitW4 } from './recipes.ts';
export type { Scales } from './scales.ts';
