import { edit, maskOf, type Graph } from '@cq/core';
import { tensor, type Tensor } from '@tensorflow/tfjs-core';

/** Masks that grow while a model trains. */
export interface Pruning {
  /** Steps from one growth to the next. */
  readonly every: number;
  /** The masks from this step on, 1 = keep, for those weights that get another one. What is masked already stays so. */
  keep(moment: Moment): ReadonlyMap<string, Float32Array>;
}

/** Weights and masks at a step of the training, by the names of the weights. */
export interface Moment {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** The weights that have a mask, as they are now. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly masks: ReadonlyMap<string, Float32Array>;
}

/** The masks of a graph: weight → 1 and 0. */
export function masksOf(graph: Graph): ReadonlyMap<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const { name } of graph.weights.values()) {
    const constant = maskConstant(graph, name);
    const data = constant === undefined ? undefined : graph.weights.get(constant)?.data;
    if (data) found.set(name, data as Float32Array);
  }
  return found;
}

/** The constant that holds the mask of a weight. */
function maskConstant(graph: Graph, weight: string): string | undefined {
  const node = maskOf(graph, weight);
  return node?.inputs[0] === weight ? node.inputs[1] : undefined;
}

/** The graph with other masks; the same one if they are those that it has. */
export function withMasks(graph: Graph, masks: ReadonlyMap<string, Float32Array>): Graph {
  const changed = [...masks].flatMap(([weight, data]) => {
    const constant = graph.weights.get(maskConstant(graph, weight)!)!;
    return constant.data.every((value, i) => value === data[i]) ? [] : [{ ...constant, data }];
  });
  return changed.length === 0 ? graph : edit(graph, { weights: changed });
}

/** The masks of the moment, 1 = keep: those that are wanted, less what was masked before. */
export function grownMasks(pruning: Pruning, moment: Moment): ReadonlyMap<string, Float32Array> {
  const wanted = pruning.keep(moment);
  return new Map(
    [...moment.masks].map(([name, before]) => {
      const after = wanted.get(name);
      return [name, after ? before.map((value, i) => (value !== 0 && after[i] !== 0 ? 1 : 0)) : before];
    }),
  );
}

/** The masks in place of the constants that a graph has. */
export const feedsOf = (graph: Graph, masks: ReadonlyMap<string, Float32Array>): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    [...masks].map(([name, mask]) => [
      maskConstant(graph, name)!,
      tensor(mask, [...graph.weights.get(name)!.shape], 'float32'),
    ]),
  );
