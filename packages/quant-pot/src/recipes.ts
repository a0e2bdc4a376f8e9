import type { Pass } from '@cq/core';
import { quantizePot } from './quantize-pot.ts';

/** Integer-only W8A8 with 4-bit attention: all scales powers of two. */
export const hVit = (): readonly Pass[] => [quantizePot({ weights: 8, activations: 8, attention: 4 })];

/** The same with 4-bit weights, an exponent for each output channel. */
export const hVitW4 = (): readonly Pass[] => [quantizePot({ weights: 4, activations: 8, attention: 4 })];
