export { isHit, topClass } from './accuracy.ts';
export { agreementCounter, klDivergence, logSumExp, type Agreement } from './agreement.ts';
export { quantizersOf, type Quantized } from './quantizers-of.ts';
export { sequenceDigest } from './digest.ts';
export { evaluate, type EvaluatedExample, type EvaluateOptions, type Evaluation } from './evaluate.ts';
export { f1Counter, type F1 } from './f1-counter.ts';
export { latency, median, percentile, spread, type LatencyOptions, type Spread } from './latency.ts';
export { allocations, type Allocation, type BitChoice } from './bit-allocation.ts';
export { sizeOfModel, type Size } from './size.ts';
export { signalAndNoise, sqnr } from './sqnr.ts';
export type { Loss } from './measure-loss.ts';
export {
  sensitivity,
  type Finding,
  type Sensitivity,
  type SensitivityOptions,
  type ValueSensitivity,
} from './sensitivity.ts';
