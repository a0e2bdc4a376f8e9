import { consumersOf, edit, fakeQuantizeOf, maskOf, redirect, type Graph } from '@cq/core';

/** The graph without the annotations of a value: its readers read the value itself. */
export function bare(graph: Graph, value: string): Graph {
  for (const annotation of [fakeQuantizeOf(graph, value), maskOf(graph, value)]) {
    if (!annotation) continue;
    const constants = annotation.inputs.slice(1).filter((name) => consumersOf(graph, name).length === 1);
    graph = edit(graph, {
      ...redirect(graph, annotation.name, annotation.inputs[0]!),
      remove: [annotation.name, ...constants],
    });
  }
  return graph;
}
