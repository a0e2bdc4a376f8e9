import type { Graph } from '@cq/core';

/** How often each op occurs, the most frequent first. */
export function opCounts(graph: Graph): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes.values()) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
