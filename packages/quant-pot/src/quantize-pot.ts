import { definePass, quantizerOf, select, type Graph, type PassContext, type Scope } from '@cq/core';
import { foldFactor } from './fold-factor.ts';
import { partsInTurn } from './parts-in-turn.ts';
import { quantizeActivations } from './quantize-activations.ts';
import { quantizeTable, quantizeWeights } from './quantize-weight.ts';
import { scaleMethods, type Scales } from './scales.ts';
import { candidates, sitesInOrder, type Activation, type Site, type WeightSite } from './sites.ts';

/** Bits, and how scales become powers of two. */
export interface QuantizePotOptions extends Scope {
  /** Bits of weight codes: 8 with one scale per weight, or 4 with one per output channel. */
  readonly weights: 8 | 4;
  /** Bits of activation codes, the residual stream's too; 4 to 8. */
  readonly activations: number;
  /** Bits of attention probabilities: 8 evenly spaced, or 4 on the scale of the logarithm. */
  readonly attention: 8 | 4;
  /** How scales become powers of two. */
  readonly scales: Scales;
  /** Whether what a LayerNorm reads has a scale for each channel, or one. */
  readonly streams: 'per-channel' | 'per-tensor';
  /** Whether exponents of a LayerNorm's output channels may be folded into the weights behind it. */
  readonly fold: boolean;
}

/**
 * Quantization with power-of-two scales alone, so that a change of scale is a shift and `lower` gives a model without a float
 * between its first quantizer and its last dequantizer. Symmetric. Each exponent is the best of four, in network order with all
 * before it quantized: of weights by what the layer's output errs, of activations by what they err themselves.
 * Source: H-ViT (Liu et al. 2025; reconstruction, methods 3), after P²-ViT (Shi et al. 2024) and FQ-ViT (Lin et al. 2022).
 */
export const quantizePot = definePass<QuantizePotOptions>({
  name: 'quantize-pot',
  defaults: { weights: 8, activations: 8, attention: 4, scales: 'search', streams: 'per-channel', fold: true },
  needs: ['calibration'],
  check({ weights, activations, attention, scales, streams, fold }) {
    if (weights !== 8 && weights !== 4) return `weights must be 8 or 4 bits, got ${String(weights)}`;
    if (attention !== 8 && attention !== 4) return `attention must be 8 or 4 bits, got ${String(attention)}`;
    if (!Number.isInteger(activations) || activations < 4 || activations > 8)
      return `activations must be 4 to 8 bits, got ${activations}`;
    if (!scaleMethods.includes(scales)) return `scales must be one of ${scaleMethods.join(', ')}, got "${scales}"`;
    if (!['per-channel', 'per-tensor'].includes(streams))
      return `streams must be per-channel or per-tensor, got "${streams}"`;
    return typeof fold === 'boolean' || `fold must be true or false, got ${String(fold)}`;
  },

  async run(graph, options, context) {
    const all = candidates(graph);
    const selected = new Set(select('quantize-pot', all, options));
    for (const value of all) {
      if (!selected.has(value)) context.skipped(value, 'outside the scope');
      else if (quantizerOf(graph, value)) context.skipped(value, 'quantized already');
    }
    graph = withFactors(graph, selected, options, context);
    const steps = sitesInOrder(graph, selected);
    const { signal, store } = context;
    const parts = partsInTurn(graph, context.data.calibration!, { batchSize: 8, signal, ...(store && { store }) });
    try {
      for (const [done, step] of steps.entries()) {
        for (const sites of alike(step, parts.keyOf)) {
          const run = (now: Graph) => parts.around(now, placeOf(sites[0]!));
          graph = await quantizeSites(graph, sites, run, options, context);
        }
        context.progress(done + 1, steps.length);
      }
    } finally {
      await parts.dispose();
    }
    return graph;
  },
});

type Running = Parameters<typeof quantizeActivations>[2];

async function quantizeSites(
  graph: Graph,
  sites: readonly Site[],
  run: Running,
  options: QuantizePotOptions,
  context: PassContext,
): Promise<Graph> {
  const activations = sites.filter((site): site is Activation => site.kind === 'activation');
  if (activations.length > 0) return quantizeActivations(graph, activations, run, options, context);
  const weights = sites.filter((site): site is WeightSite => site.kind === 'weight');
  if (weights.length > 0) return quantizeWeights(graph, weights, await run(graph), options, context);
  for (const { value } of sites) graph = quantizeTable(graph, value, options, context);
  return graph;
}

/** Sites of one kind in one part of the model. */
function alike(step: readonly Site[], keyOf: (value: string) => number | string): readonly (readonly Site[])[] {
  const groups = new Map<string, Site[]>();
  for (const site of step) {
    const key = `${site.kind} ${keyOf(placeOf(site))}`;
    groups.set(key, [...(groups.get(key) ?? []), site]);
  }
  return [...groups.values()];
}

const placeOf = (site: Site): string => (site.kind === 'weight' ? site.product : site.value);

/** Powers of two for the factors of all logits that will be quantized. */
function withFactors(
  graph: Graph,
  selected: ReadonlySet<string>,
  { scales }: QuantizePotOptions,
  context: PassContext,
): Graph {
  if (scales === 'float') return graph;
  for (const { name, op } of graph.nodes.values()) {
    if (op !== 'AttentionLogits' || !selected.has(name) || quantizerOf(graph, name)) continue;
    const folded = foldFactor(graph, graph.nodes.get(name)!);
    if ('reason' in folded) context.skipped(name, folded.reason);
    else graph = folded.graph;
  }
  return graph;
}
