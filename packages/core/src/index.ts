export { CqError } from './errors.ts';
export { didYouMean } from './suggest.ts';
export type { ArrayTensor, Batch, Content, Dataset } from './dataset.ts';
export { subset } from './subset.ts';
export { evenly } from './evenly.ts';
export { heldBack, type Shares } from './held-back.ts';
export { consumersOf, isOutput, makeGraph, numberAttr, producerOf, stringAttr, weightBytes } from './graph.ts';
export type { Attr, DataType, Graph, GraphParts, Input, Metadata, Node, Output, Weight } from './graph.ts';
export { edit, freeName, hasOneConsumer, redirect, removeDead, type Changes } from './edit.ts';
export { build, type Builder } from './build.ts';
export { FORMAT_VERSION, toArtifacts } from './to-artifacts.ts';
export { float16ToNumber } from './artifacts/weights.ts';
export { fromArtifacts } from './from-artifacts.ts';
export {
  asymmetric,
  codebook,
  decode,
  encode,
  hasZero,
  onLevels,
  quantizers,
  rowOf,
  rowQuantizer,
  symmetric,
  unsigned,
} from './quantizer.ts';
export type {
  CodebookQuantizer,
  DynamicQuantizer,
  Log2Quantizer,
  Quantizer,
  QuantizerForm,
  StoredForm,
  StoredQuantizer,
  UniformLog2Quantizer,
  UniformQuantizer,
} from './quantizer.ts';
export { fakeQuantize, fakeQuantizeRows, registerAnnotations } from './fake-quantize.ts';
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
export { liesByOutput, matrixOf, withMatrix, type Matrix } from './matrix.ts';
export { decompose } from './decompose.ts';
export { fused } from './fused.ts';
export { canonicalize } from './canonicalize.ts';
export { maskedLogits, type MaskedLogits, type WindowMask } from './logit-masks.ts';
export { movedBy, originOf, sourceOf, type Origin } from './movements.ts';
export { roles, tabulated, type Role } from './roles.ts';
export { integerOnly } from './integer-only.ts';
export { accumulatorBound, verify, type Invariant } from './verify.ts';
export { executor, type Executor } from './execute.ts';
export { histogram, type Histogram, type Statistic } from './statistics.ts';
export { rowSample, type Rows } from './row-sample.ts';
export { observe, type ObserveOptions } from './observe.ts';
export { activationRange, quantileRange, rangeMethods, weightMax, type Range, type RangeMethod } from './ranges.ts';
export { select, type Scope } from './select.ts';
export { memoryStore, type Store } from './store.ts';
export { readSnapshot, writeSnapshot, type Snapshot, type SnapshotArray } from './snapshot.ts';
export {
  definePass,
  type DataRole,
  type Pass,
  type PassContext,
  type PassDefinition,
  type PassFactory,
} from './pass.ts';
export { version } from './version.ts';
export { type PassReport, type Report } from './report.ts';
export {
  quantizableWeights,
  quantizeWeights,
  type QuantizeWeightsOptions,
  type WeightCodes,
} from './quantize-weights.ts';
export { quantizeDynamic, type QuantizeDynamicOptions } from './quantize-dynamic.ts';
export { compress, type CompressOptions, type Progress } from './compress.ts';
export { wholePositions } from './whole-positions.ts';
export { quantizeUniform, type QuantizeUniformOptions } from './quantize-uniform.ts';
export { int8, int8Dynamic, w4 } from './recipes.ts';
export { lower, type LeftInFloat } from './lower.ts';
export { raise } from './raise.ts';
export { pack } from './pack.ts';
export { codeSparse, decodeCodes } from './artifacts/sparse-codes.ts';
export { permutation, randomOf, type Random } from './random.ts';
export { adamStep, startMoments, type AdamOptions, type Moments } from './adam.ts';
export { rateFactor, type Schedule } from './schedule.ts';
export { solveUpper, upperFactor } from './cholesky.ts';
export { addTokens, finishGram, gram, startGram, tokenWeights, type Gram, type GramOptions } from './gram.ts';
export { centred, type Centred } from './centred.ts';
export { outputEnergy } from './output-energy.ts';
export { observeGrams, type GramTap, type ObserveGramsOptions, type Source } from './observe-grams.ts';
export { compensate } from './compensate.ts';
export { roundingLoss, roundNearest, type RoundingProblem } from './rounding.ts';
export { linearFeedback, type FeedbackOptions } from './linear-feedback.ts';
export { gptq, gptqSolver, type Solved } from './gptq.ts';
export { searchClips, type Clips } from './search-clips.ts';
export { adaRound, type AdaRoundOptions } from './ada-round.ts';
export { changeWeight, effectiveData } from './change-weight.ts';
export { balance, foldScale, type Folded } from './fold-scale.ts';
export { addToBias, foldShift } from './fold-shift.ts';
export { reorderChannels } from './reorder-channels.ts';
export { blocks, halfBlocks, region, subgraph, type Block, type Region } from './blocks.ts';
export { blockInputs, capture, type Captured, type CaptureOptions } from './capture.ts';
export { inputsInTurn, partOf, type Passed } from './inputs-in-turn.ts';
export { layersInTurn, type LayerVisit } from './layers-in-turn.ts';
export { join } from './join.ts';
export { differentiable } from './differentiable.ts';
export { objective, type FeedInputs, type LossInputs, type Objective, type ObjectiveOptions } from './objective.ts';
export { type Best, type Checkpoint, type Parameter } from './training-state.ts';
export { fit, type FitOptions, type FitProgress, type Fitted } from './fit.ts';
