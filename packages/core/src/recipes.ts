import type { Pass } from './pass.ts';
import { quantizeDynamic } from './quantize-dynamic.ts';
import { quantizeUniform } from './quantize-uniform.ts';
import { quantizeWeights } from './quantize-weights.ts';

/** Static W8A8 with float scales: 8-bit weights per output channel, 8-bit activations from calibration data. */
export const int8 = (): readonly Pass[] => [quantizeUniform({ weights: 8, activations: 8 })];

/** W8A8 that needs no data: 8-bit weights per output channel, each row of activations by its own largest value. */
export const int8Dynamic = (): readonly Pass[] => [quantizeWeights({ bits: 8 }), quantizeDynamic({ bits: 8 })];

/** 4-bit weights in groups of 32, activations in float. Needs no data. */
export const w4 = (): readonly Pass[] => [quantizeWeights({ bits: 4, group: 32, range: 'mse' })];
