import * as core from '@cq/core';
import * as prune from '@cq/prune';
import * as quantPot from '@cq/quant-pot';

export type Factory = (options?: Record<string, unknown>) => core.Pass;

export interface ExportedPass {
  readonly factory: Factory;
  /** What makes it do something to a small Transformer, and quickly. */
  readonly options?: Record<string, unknown>;
  /** Passes before it, without which it has nothing to do. */
  readonly before?: readonly core.Pass[];
}

/** The packages that export passes. */
export const packages: readonly object[] = [core, prune, quantPot];

/** Every pass that they export, by the name of its factory. */
export const exportedPasses: Readonly<Record<string, ExportedPass>> = {
  quantizeWeights: { factory: core.quantizeWeights as Factory },
  quantizeDynamic: { factory: core.quantizeDynamic as Factory },
  quantizeUniform: { factory: core.quantizeUniform as Factory },
  quantizePot: { factory: quantPot.quantizePot as Factory },
  prune: { factory: prune.prune as Factory, options: { score: 'wanda' } },
  shrink: { factory: prune.shrink as Factory, before: [prune.prune({ structure: 'head' })] },
};
