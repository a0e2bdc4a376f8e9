import { maskedData, observe, type Graph, type PassContext } from '@cq/core';
import type { Group, Part } from './groups.ts';
import { perUnit } from './per-unit.ts';
import { keepOf } from './remask.ts';
import { squares } from './squares.ts';
import { taylor } from './taylor.ts';
import { indexAlong } from './width.ts';

/** How what a unit is worth is measured. */
export type Score = keyof typeof scores;

/** For every unit of every group a sum of squares: how much of the model would go with it. */
type Energies = (
  graph: Graph,
  groups: readonly Group[],
  context: PassContext,
) => readonly Float64Array[] | Promise<readonly Float64Array[]>;

/** A new score is a new row. */
export const scores = {
  /** |w|, of all that a unit has. Source: Han et al. 2015; of channels, as Li et al. 2017 of filters. */
  magnitude: (graph, groups) =>
    groups.map(({ units, parts }) => {
      const sums = parts.map((part) => {
        const data = dataOf(graph, part);
        return perUnit(units, part, (entry) => data[entry]! ** 2);
      });
      return sums[0]!.map((_, unit) => sums.reduce((sum, own) => sum + own[unit]!, 0));
    }),

  /** |w| · ‖x‖₂, x what the entry multiplies over all calibration tokens. Source: Sun et al. 2024 (Wanda), eq. 1. */
  async wanda(graph, groups, context) {
    const values = groups.flatMap(({ layers }) => layers.map(({ product }) => product.inputs[0]!));
    const seen = await observe(graph, [...new Set(values)], squares, context.data.calibration!, context);
    return groups.map(({ units, parts: [matrix], layers }) => {
      const data = dataOf(graph, matrix);
      const each = layers.map(({ product }) => seen.get(product.inputs[0]!)!);
      const norms = each[0]!.map((_, k) => each.reduce((sum, own) => sum + own[k]!, 0));
      const inputOf = indexAlong(layers[0].weight.shape, 1 - layers[0].outputAxis);
      return perUnit(units, matrix, (entry) => data[entry]! ** 2 * norms[inputOf(entry)]!);
    });
  },

  taylor,
} satisfies Record<string, Energies>;

/**
 * The score of every unit of every group: √(energy / entries), so that large and small units compare by what an entry
 * is worth; −∞ for one whose matrix is masked already.
 */
export async function scoreUnits(
  graph: Graph,
  groups: readonly Group[],
  score: Score,
  context: PassContext,
): Promise<readonly Float32Array[]> {
  if (groups.length === 0) return [];
  const energies = await scores[score](graph, groups, context);
  return groups.map(({ units, parts: [matrix] }, i) => {
    const keep = keepOf(graph, matrix.weight);
    const entries = perUnit(units, matrix, () => 1);
    const kept = keep ? perUnit(units, matrix, (entry) => Number(keep[entry] !== 0)) : entries;
    return Float32Array.from(energies[i]!, (energy, unit) =>
      kept[unit] === 0 ? -Infinity : Math.sqrt(energy / entries[unit]!),
    );
  });
}

const dataOf = (graph: Graph, { weight }: Part): Float32Array => maskedData(graph, graph.weights.get(weight)!);
