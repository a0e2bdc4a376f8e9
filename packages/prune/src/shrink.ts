import { definePass, quantizerOf, removeDead, select, type Graph, type Scope } from '@cq/core';
import { branches, type Branch } from './branches.ts';
import { bypass } from './bypass.ts';
import { cutUnits } from './cut.ts';
import { keepOf } from './remask.ts';
import { isRefused, unitAlong } from './width.ts';

/**
 * Cuts what is masked as a whole out of the graph, which then is smaller and faster in any form: heads of attentions
 * and channels of MLPs whose rows in the weight that reads them are masked, and whole branches whose last weight is, of
 * which the bias alone stays. Outputs stay, up to float rounding; of masks and scales, those of what is left.
 *
 * `only` and `ignore` choose branches by the name of their last weight.
 */
export const shrink = definePass<Scope>({
  name: 'shrink',
  defaults: {},

  run(graph, scope, context) {
    const before = graph;
    const found = branches(graph);
    const selected = new Set(
      select(
        'shrink',
        found.map(({ reader }) => reader.weight.name),
        scope,
      ),
    );
    for (const [done, branch] of found.entries()) {
      context.signal.throwIfAborted();
      const { name } = branch.reader.weight;
      const keep = keepOf(graph, name);
      if (!selected.has(name)) context.skipped(name, 'outside the scope');
      else if (!keep) context.skipped(name, 'it is not masked');
      else if (keep.every((value) => value === 0)) {
        graph = bypass(graph, branch);
        context.changed(name, { cut: 'branch' });
      } else {
        const cut = cutMasked(graph, branch);
        if ('reason' in cut) context.skipped(name, cut.reason);
        else {
          graph = cut.graph;
          context.changed(name, { cut: branch.kind === 'attention' ? 'heads' : 'channels', ...cut.counts });
        }
      }
      context.progress(done + 1, found.length);
    }
    return graph === before ? graph : removeDead(graph);
  },
});

/** The branch without the heads or channels that its last weight reads nothing of. */
function cutMasked(graph: Graph, { width }: Branch) {
  if (isRefused(width)) return width;
  const { units, makers, reader, values } = width;
  // A scale that is found while running is that of the largest value, read or not: there a unit must be 0 as well.
  const matters = values.some((value) => quantizerOf(graph, value)?.kind === 'dynamic')
    ? [reader, ...makers]
    : [reader];
  const kept = new Set<number>();
  for (const place of matters) {
    const unitOf = unitAlong(place, units);
    const mask = keepOf(graph, place.weight);
    graph.weights.get(place.weight)!.data.forEach((_, entry) => mask?.[entry] !== 0 && kept.add(unitOf(entry)));
  }
  if (kept.size === units) return { reason: 'no unit of it is masked as a whole' };
  const cut = cutUnits(graph, width, (unit) => kept.has(unit));
  return isRefused(cut) ? cut : { graph: cut, counts: { of: units, left: kept.size } };
}
