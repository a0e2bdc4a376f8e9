export { CqError } from './errors.ts';
export { didYouMean } from './suggest.ts';
export type { ArrayTensor, Batch, Dataset } from './dataset.ts';
export { consumersOf, isOutput, makeGraph, numberAttr, producerOf, stringAttr, weightBytes } from './graph.ts';
export type { Attr, DataType, Graph, GraphParts, Input, Metadata, Node, Output, Weight } from './graph.ts';
export { edit, freeName, hasOneConsumer, redirect, removeDead, type Changes } from './edit.ts';
export { build, type Builder } from './build.ts';
export { FORMAT_VERSION, toArtifacts } from './to-artifacts.ts';
export { float16ToNumber } from './artifacts/weights.ts';
export { fromArtifacts } from './from-artifacts.ts';
export { decode, encode, quantizers, symmetric, asymmetric, unsigned } from './quantizer.ts';
export type { Quantizer, UniformQuantizer } from './quantizer.ts';
export { fakeQuantizeUniform, registerAnnotations } from './fake-quantize.ts';
export {
  annotatedValue,
  fakeQuantizeOf,
  maskedData,
  maskOf,
  quantizerOf,
  readQuantizer,
  tipOf,
  withFakeQuantize,
  withMask,
} from './annotations.ts';
export { constantOperand, onlyFeeds, producer, weightOf } from './match.ts';
export { decompose } from './decompose.ts';
export { canonicalize } from './canonicalize.ts';
export { maskedLogits, type MaskedLogits } from './padding-mask.ts';
export { movements, roles, sourceOf, type Role } from './roles.ts';
export { accumulatorBound, verify, type Invariant } from './verify.ts';
export { executor, type Executor } from './execute.ts';
export { histogram, type Histogram, type Statistic } from './statistics.ts';
export { observe, type ObserveOptions } from './observe.ts';
export { activationRange, quantileRange, rangeMethods, weightMax, type Range, type RangeMethod } from './ranges.ts';
export { select, type Scope } from './select.ts';
export {
  definePass,
  type DataRole,
  type Pass,
  type PassContext,
  type PassDefinition,
  type PassFactory,
} from './pass.ts';
export { compress, type CompressOptions, type PassReport, type Progress, type Report } from './compress.ts';
export { quantizeUniform, type QuantizeUniformOptions } from './quantize-uniform.ts';
export { int8 } from './recipes.ts';
export { lower, type LeftInFloat } from './lower.ts';
export { raise } from './raise.ts';
export { pack } from './pack.ts';
export { permutation, randomOf, type Random } from './random.ts';
export { adamStep, startMoments, type AdamOptions, type Moments } from './adam.ts';
export { rateFactor, type Schedule } from './schedule.ts';
export { solveUpper, upperFactor } from './cholesky.ts';
export { addTokens, finishGram, gram, startGram, tokenWeights, type Gram, type GramOptions } from './gram.ts';
export { observeGrams, type GramTap, type ObserveGramsOptions, type Source } from './observe-grams.ts';
export { compensate } from './compensate.ts';
export { roundingLoss, roundNearest, type RoundingProblem } from './rounding.ts';
export { gptq, type GptqOptions } from './gptq.ts';
export { adaRound, type AdaRoundOptions } from './ada-round.ts';
export { changeWeight, effectiveData } from './change-weight.ts';
export { balance, foldScale, type Folded } from './fold-scale.ts';
export { foldShift } from './fold-shift.ts';
export { blocks, halfBlocks, region, subgraph, type Block, type Region } from './blocks.ts';
export { memoryStore, type Store } from './store.ts';
export { blockInputs, capture, type Captured, type CaptureOptions } from './capture.ts';
export { join } from './join.ts';
export { differentiable } from './differentiable.ts';
export { type FeedInputs, type LossInputs } from './objective.ts';
export { type Best, type Checkpoint, type Parameter } from './training-state.ts';
export { fit, type FitOptions, type FitProgress, type Fitted } from './fit.ts';
