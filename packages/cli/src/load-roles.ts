import type { Graph } from '@cq/core';
import { sample } from '@cq/data';
import { loadData } from './load-data.ts';
import type { Roles } from './used-examples.ts';

export interface RolePaths {
  readonly calibration?: string | undefined;
  readonly training?: string | undefined;
  readonly evaluation?: string | undefined;
  /** Calibration examples. */
  readonly samples: number;
  /** Chooses them. */
  readonly seed: number;
}

/** @param model The folder of the graph, which says how data are read. */
export async function loadRoles(graph: Graph, model: string, paths: RolePaths): Promise<Roles> {
  const { calibration, training, evaluation, samples, seed } = paths;
  return {
    ...(calibration !== undefined && { calibration: sample(await loadData(calibration, graph, model), samples, seed) }),
    ...(training !== undefined && { training: await loadData(training, graph, model) }),
    ...(evaluation !== undefined && { evaluation: await loadData(evaluation, graph, model) }),
  };
}
