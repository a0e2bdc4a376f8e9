import { CqError, definePass, select, type Graph, type Scope } from '@cq/core';
import { groupsOf, type Group, type Part, type Structure } from './groups.ts';
import { keepUnits, type Competition, type Granularity } from './keep-units.ts';
import { makeUp } from './make-up.ts';
import { addMask, keepOf } from './remask.ts';
import { scores, scoreUnits, type Score } from './score.ts';
import { isRefused } from './width.ts';

/** What is dropped, and how much of it. */
export interface PruneOptions extends Competition, Scope {
  /** How what a unit is worth is measured. `wanda` and `taylor` need calibration data; `taylor` takes gradients. */
  readonly score: Score;
  /** `block`: a tile, as backend-wasm skips it in 8-bit layers, and multiples of it. */
  readonly block: readonly [outputs: number, inputs: number];
  /**
   * What becomes of the entries that stay. `none`: nothing. `obs`: they make up for those that go, layer by layer, on
   * calibration data, as in SparseGPT; no training.
   */
  readonly update: Update;
}

type Update = 'none' | 'obs';

const structures: readonly Structure[] = ['unstructured', 'n:m', 'block', 'channel', 'head'];
const updates: readonly Update[] = ['none', 'obs'];
const granularities: readonly Granularity[] = ['global', 'per-layer', 'per-output'];

/**
 * Masks what the model needs least: entries of the matrices in transformer blocks, n of every m of them, tiles of them,
 * channels of MLPs, or heads of attentions, found by structure alone. Nothing becomes smaller or faster by itself:
 * `shrink` cuts out what is masked as a whole. All scores are of the graph as it comes, in one shot; a mask that is
 * there only grows.
 *
 * `only` and `ignore` choose matrices by name: for channels and heads the matrix that reads them. With `only`, matrices
 * outside transformer blocks, such as the classifier, can be chosen too.
 */
export const prune = definePass<PruneOptions>({
  name: 'prune',
  defaults: {
    ...{ sparsity: 0.5, score: 'magnitude', structure: 'unstructured', granularity: 'per-layer' },
    ...{ n: 2, m: 4, block: [8, 16], update: 'none' },
  },
  needs: ({ score, update }) => (score === 'magnitude' && update === 'none' ? [] : ['calibration']),
  check,

  async run(graph, options, context) {
    const { structure, block, score, update, only } = options;
    const given = graph;
    const found = groupsOf(graph, structure, block, only !== undefined);
    if (found.size === 0)
      throw new CqError(
        `prune: structure ${structure} is found in transformer blocks, got a model without; name matrices in only`,
      );
    const selected = new Set(select('prune', [...found.keys()], options));
    const groups: [name: string, group: Group][] = [];
    for (const [name, group] of found) {
      if (!selected.has(name)) context.skipped(name, 'outside the scope');
      else if (isRefused(group)) context.skipped(name, group.reason);
      else groups.push([name, group]);
    }
    const chosen = groups.map(([, group]) => group);
    const keep = keepUnits(chosen, await scoreUnits(graph, chosen, score, context), options);
    const drop = (part: Part, kept: Float32Array): boolean => {
      const masked = addMask(graph, part.weight, (entry) => kept[part.unitOf(entry)] !== 0);
      if (masked === graph) return false;
      context.changed(part.weight, { structure, sparsity: sparsityOf(masked, part.weight) });
      graph = masked;
      return true;
    };
    for (const [i, [name, { parts }]] of groups.entries()) {
      context.signal.throwIfAborted();
      if (!drop(parts[0], keep[i]!)) context.skipped(name, 'as sparse already');
      context.progress(i + 1, groups.length);
    }
    if (update === 'obs') graph = await makeUp(graph, given, context);
    for (const [i, { parts }] of chosen.entries()) {
      for (const maker of parts.slice(1)) drop(maker, keep[i]!);
    }
    return graph;
  },
});

function check(options: PruneOptions): true | string {
  const { sparsity, score, structure, granularity, n, m, block, update } = options;
  if (!(sparsity >= 0 && sparsity < 1)) return `sparsity must be in [0, 1), got ${sparsity}`;
  const choices = {
    score: [score, Object.keys(scores)],
    structure: [structure, structures],
    granularity: [granularity, granularities],
    update: [update, updates],
  } as const;
  for (const [name, [value, known]] of Object.entries(choices)) {
    if (!(known as readonly string[]).includes(value))
      return `${name} must be one of ${known.join(', ')}, got "${value}"`;
  }
  if (granularity === 'per-output' && structure !== 'unstructured')
    return `granularity per-output goes with structure unstructured, got "${structure}"`;
  if (!(Number.isInteger(n) && Number.isInteger(m) && n >= 1 && n < m))
    return `n:m must be whole numbers, 1 ≤ n < m, got ${n}:${m}`;
  const tile = Array.isArray(block) && block.length === 2 && block.every((size) => Number.isInteger(size) && size > 0);
  return tile || `block must be two whole numbers [outputs, inputs], got ${JSON.stringify(block)}`;
}

function sparsityOf(graph: Graph, weight: string): number {
  const keep = keepOf(graph, weight)!;
  return keep.filter((value) => value === 0).length / keep.length;
}
