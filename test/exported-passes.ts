import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import * as core from '@cq/core';
import * as distill from '@cq/distill';
import * as outlierCorrect from '@cq/outlier-correct';
import * as prune from '@cq/prune';
import * as quantLog2 from '@cq/quant-log2';
import * as quantPot from '@cq/quant-pot';

export type Factory = (options?: Record<string, unknown>) => core.Pass;

export interface ExportedPass {
  readonly factory: Factory;
  /** What makes it do something to a small Transformer, and quickly. */
  readonly options?: Record<string, unknown>;
  /** Of training, which always has something to do: what leaves it nothing. */
  readonly idle?: Record<string, unknown>;
  /** Passes before it, without which it has nothing to do. */
  readonly before?: readonly core.Pass[];
}

/** The packages that export passes. */
export const packages: readonly object[] = [core, distill, outlierCorrect, prune, quantLog2, quantPot];

/** Every pass that they export, by the name of its factory. */
export const exportedPasses: Readonly<Record<string, ExportedPass>> = {
  quantizeWeights: { factory: core.quantizeWeights as Factory },
  quantizeDynamic: { factory: core.quantizeDynamic as Factory },
  quantizeUniform: { factory: core.quantizeUniform as Factory },
  quantizeLog2: { factory: quantLog2.quantizeLog2 as Factory },
  declineBits: {
    factory: quantLog2.declineBits as Factory,
    options: { from: 5, iterations: 1, batchSize: 2, importance: 'none' },
  },
  quantizePot: { factory: quantPot.quantizePot as Factory },
  // A norm whose only readers no other fold touches: once balanced it stays so.
  balanceChannels: {
    factory: outlierCorrect.balanceChannels as Factory,
    options: { strength: 0.5, only: [/after/] },
  },
  tuneSteps: {
    factory: outlierCorrect.tuneSteps as Factory,
    options: { steps: 1, batchSize: 1, only: [/layer\.0|block0/] },
  },
  correctWeights: { factory: outlierCorrect.correctWeights as Factory, options: { only: [/layer\.0|block0/] } },
  distill: {
    factory: distill.distill as Factory,
    options: { losses: ['labels'], steps: 2, batchSize: 2 },
    idle: { steps: 0 },
  },
  prune: { factory: prune.prune as Factory, options: { score: 'wanda' } },
  shrink: { factory: prune.shrink as Factory, before: [prune.prune({ structure: 'head' })] },
};
