import { definePass, observe, select, type Graph, type PassContext, type Scope } from '@cq/core';
import { inGroups } from './balance-activation.ts';
import { channelExtremes, magnitudes, type Sizes } from './channel-extremes.ts';
import { checkBits } from './check-bits.ts';
import { thinned, withHeldBack } from './with-held-back.ts';
import { judgesInTurn, type Judges } from './judges.ts';
import { outliersAmong } from './outliers.ts';
import { outputError, type Bits } from './output-error.ts';
import { foldAt, searchFold, type Balanced, type FoldOptions } from './search-fold.ts';
import { targetsOf, type Target } from './targets.ts';

/** How channels are balanced; the README has the defaults. */
export interface BalanceChannelsOptions extends Scope, Bits, FoldOptions {
  /** How much of the imbalance is moved, 0 to 1; `auto` searches it for every value. */
  readonly strength: 'auto' | number;
  /** Fraction of the calibration data that `auto` judges by, and sees no extremes of. */
  readonly heldBack: number;
}

/**
 * Makes the channels of what linear layers read, and of keys, more alike: each is divided by a scale, and moved by a shift,
 * which the weights around it make up for. The model computes what it did before; its quantized form comes nearer.
 * Source: AOCQ's operator level (reconstruction; methods 5.2), on SmoothQuant (Xiao et al. 2023) and Outlier Suppression+
 * (Wei et al. 2023).
 */
export const balanceChannels = definePass<BalanceChannelsOptions>({
  name: 'balance-channels',
  defaults: { strength: 'auto', method: 'smooth', shift: true, heldBack: 0.25, weights: 8, activations: 8 },
  needs: ['calibration'],
  check({ strength, method, heldBack: fraction, weights, activations }) {
    if (strength !== 'auto' && !(strength >= 0 && strength <= 1))
      return `strength must be auto or 0 to 1, got ${strength}`;
    if (!['smooth', 'threshold'].includes(method)) return `method must be smooth or threshold, got "${method}"`;
    if (!(fraction > 0 && fraction < 1)) return `heldBack must be in (0, 1), got ${fraction}`;
    return checkBits({ weights, activations }) ?? true;
  },

  async run(graph, options, context) {
    const all = targetsOf(graph);
    const names = all.map(({ value }) => value);
    const selected = new Set(select('balance-channels', names, options));
    for (const name of names) if (!selected.has(name)) context.skipped(name, 'outside the scope');
    const targets = all.filter(({ value }) => selected.has(value));
    const { signal, data, progress } = context;
    const { strength } = options;
    const { used, held } = withHeldBack(data.calibration!, options.heldBack);
    const observed = [...new Set(targets.flatMap(({ value, partners }) => [value, ...partners]))];
    const known = strength === 'auto' ? used : data.calibration!;
    const extremes = await observe(graph, observed, channelExtremes(), known, { signal });
    const judges = strength === 'auto' ? await judgesInTurn(graph, targets, thinned(held, JUDGED), context) : undefined;
    try {
      for (const [done, target] of targets.entries()) {
        signal.throwIfAborted();
        graph = await balanced(graph, target, extremes, judges, options, context);
        progress(done + 1, targets.length);
      }
    } finally {
      await judges?.dispose();
    }
    return graph;
  },
});

/** Most examples that `auto` judges by. */
const JUDGED = 32;

async function balanced(
  graph: Graph,
  target: Target,
  sizes: ReadonlyMap<string, Sizes>,
  judges: Judges | undefined,
  options: BalanceChannelsOptions,
  context: PassContext,
): Promise<Graph> {
  const { value, partners } = target;
  const { method, strength } = options;
  const seen = { graph, extremes: new Map([value, ...partners].map((name) => [name, sizes.get(name)!])) };
  const fold = judges ? await searched(judges) : foldAt(seen, target, options, strength as number);
  if ('reason' in fold) context.skipped(value, fold.reason);
  else if (fold.graph === graph) context.skipped(value, 'its channels are balanced as they are');
  else {
    const { graph: result, extremes, ...details } = fold;
    const [before, after] = [magnitudes(sizes.get(value)!), magnitudes(extremes.get(value)!)];
    const { tokens } = sizes.get(value)!;
    const outliers = { channels: outliersAmong(before), tokens: outliersAmong(tokens).length, ofTokens: tokens.length };
    context.changed(value, { method, ...details, outliers, maxima: { before: [...before], after: [...after] } });
    return inGroups(result, value);
  }
  return graph;

  async function searched({ of }: Judges): Promise<Balanced> {
    const judge = await of(target);
    if (!judge) return { reason: 'it is read in several places outside of blocks' };
    return searchFold(seen, target, options, (candidate) => outputError(candidate, target, judge, options, context));
  }
}
