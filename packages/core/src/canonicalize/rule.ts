import { edit, removeDead } from '../edit.ts';
import { consumersOf, isOutput, type Graph, type Node, type Weight } from '../graph.ts';

/** One step towards the canonical form; the same graph if there is nothing to do. */
export type Rule = (graph: Graph) => Graph;

/** What takes the place of a group of nodes. */
export interface Rewrite {
  /** The new nodes. One of them has the name of the group's last node, so that outputs and taps stay. */
  readonly nodes: readonly Node[];
  readonly weights?: readonly Weight[];
  /** The group's other values: they vanish, or mean something else afterwards. */
  readonly inside: Iterable<string>;
}

/** Looks at a group from its last node. */
export type NodeRule = (last: Node, graph: Graph) => Rewrite | undefined;

/**
 * Rewrites every group that `at` finds, unless something outside the group reads a value inside it or an output shows
 * one: annotations are readers too, so what carries one is never swallowed. Of groups that overlap, or
 * would name a new weight alike, the first in topological order is rewritten and the others wait for the next sweep.
 */
export function everywhere(at: NodeRule): Rule {
  return (graph) => {
    const nodes: Node[] = [];
    const weights: Weight[] = [];
    const remove: string[] = [];
    const touched = new Set<string>();
    for (const node of graph.nodes.values()) {
      if (touched.has(node.name)) continue;
      const rewrite = at(node, graph);
      if (!rewrite) continue;
      const inside = new Set(rewrite.inside);
      const group = new Set([...inside, node.name]);
      const names = [...group, ...(rewrite.weights ?? []).map(({ name }) => name)];
      if (names.some((name) => touched.has(name)) || !isClosed(graph, inside, group)) continue;
      for (const name of names) touched.add(name);
      nodes.push(...rewrite.nodes);
      weights.push(...(rewrite.weights ?? []));
      remove.push(...inside);
    }
    return nodes.length === 0 ? graph : removeDead(edit(graph, { nodes, weights, remove }));
  };
}

function isClosed(graph: Graph, inside: ReadonlySet<string>, group: ReadonlySet<string>): boolean {
  for (const name of inside) {
    if (isOutput(graph, name) || !consumersOf(graph, name).every((reader) => group.has(reader.name))) return false;
  }
  return true;
}
