import { int8, int8Dynamic, quantizeDynamic, quantizeUniform, quantizeWeights, w4, type Pass } from '@cq/core';
import { aocqW4A8, aocqW8A8, balanceChannels, correctWeights, tuneSteps } from '@cq/outlier-correct';
import { prune, shrink } from '@cq/prune';
import { declineBits, quantizeLog2, tpVitW6A6 } from '@cq/quant-log2';
import { hVit, hVitW4, quantizePot } from '@cq/quant-pot';

export type Factory = (options?: Readonly<Record<string, unknown>>) => Pass;

const factories = [
  ...[quantizeUniform, quantizeWeights, quantizeDynamic, quantizePot, quantizeLog2, declineBits],
  ...[balanceChannels, tuneSteps, correctWeights, prune, shrink],
] as readonly (Factory & { readonly passName: string })[];

/** The passes that the page offers, by name. */
export const passes: ReadonlyMap<string, Factory> = new Map(factories.map((factory) => [factory.passName, factory]));

/** Lists of passes by the name of their recipe. */
export const recipes: Readonly<Record<string, () => readonly Pass[]>> = {
  int8,
  'int8-dynamic': int8Dynamic,
  w4,
  'h-vit': hVit,
  'h-vit-w4': hVitW4,
  'aocq-w8a8': aocqW8A8,
  'aocq-w4a8': aocqW4A8,
  'tp-vit-w6a6': () => tpVitW6A6(),
};
