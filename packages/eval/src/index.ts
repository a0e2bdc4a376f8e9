export { isHit, topClass } from './accuracy.ts';
export { agreementCounter, klDivergence, logSumExp, type Agreement } from './agreement.ts';
export { sequenceDigest } from './digest.ts';
export { evaluate, type EvaluateOptions, type Evaluation } from './evaluate.ts';
export { latency, median, spread, type LatencyOptions, type Spread } from './latency.ts';
export { sizeOfModel, type Size } from './size.ts';
export { sqnr } from './sqnr.ts';
export type { Loss } from './measure-loss.ts';
export {
  sensitivity,
  type Finding,
  type Sensitivity,
  type SensitivityOptions,
  type ValueSensitivity,
} from './sensitivity.ts';
