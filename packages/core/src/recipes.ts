import type { Pass } from './pass.ts';
import { quantizeUniform } from './quantize-uniform.ts';

/** Static W8A8 with float scales: 8-bit weights per output channel, 8-bit activations from calibration data. */
export const int8 = (): readonly Pass[] => [quantizeUniform({ weights: 8, activations: 8 })];
