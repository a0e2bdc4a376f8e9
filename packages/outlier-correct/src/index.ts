export { balanceChannels, type BalanceChannelsOptions } from './balance-channels.ts';
export { tuneSteps, type TuneStepsOptions } from './tune-steps.ts';
export { correctWeights, type CorrectWeightsOptions } from './correct-weights.ts';
export { aocqW4A8, aocqW8A8, correctOutliers, type CorrectOutliersOptions } from './correct-outliers.ts';
