export { quantizeLog2, type QuantizeLog2Options } from './quantize-log2.ts';
export { declineBits, type DeclineBitsOptions } from './decline-bits.ts';
export type { BitSchedule } from './bits-at.ts';
export type { Exponents, Log2Kind, Truncation } from './log2-quantizer.ts';
export { tpVit, tpVitW4A4, tpVitW6A6, type Effort, type TpVitOptions } from './recipes.ts';
