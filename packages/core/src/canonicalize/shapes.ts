import type { Graph } from '../graph.ts';
import { integers } from './integers.ts';
import { shapeRules, type Facts } from './shape-rules.ts';
import type { Axis, Shapes, Sizes } from './sizes.ts';

/** What stands for sizes of inputs begins below all that an int32 constant can hold. */
const FIRST = -(2 ** 31) - 1;

const cache = new WeakMap<Graph, Shapes>();

/**
 * What can be said about shapes without running the graph. Sizes that vary and meet in an operation are taken to be one:
 * exporters write a size of 1 where they broadcast.
 */
export function shapesOf(graph: Graph): Shapes {
  const known = cache.get(graph);
  if (known) return known;
  const written = new Map<string, Sizes>();
  const axes: Axis[] = [];
  const met = new Map<number, number>();
  const oldest = (size: number): number => (met.has(size) ? oldest(met.get(size)!) : size);
  const asWritten = (value: string | undefined): Sizes | undefined =>
    value === undefined ? undefined : written.get(value);
  const found: Shapes = {
    of: (value) => asWritten(value)?.map(oldest),
    asWritten,
    integers: (value) => integers(graph, found, value),
    axisOf: (size) => axes[FIRST - size],
  };
  const facts: Facts = {
    of: asWritten,
    integers: found.integers,
    same: (a, b) => oldest(a) === oldest(b),
    meet(a, b) {
      const [older, younger] = [Math.max(oldest(a), oldest(b)), Math.min(oldest(a), oldest(b))];
      if (younger !== older) met.set(younger, older);
    },
  };
  for (const { name, shape } of graph.inputs) {
    const sizes = shape.map((size, axis) => (size < 0 ? FIRST + 1 - axes.push({ input: name, axis }) : size));
    if (sizes.length > 0) written.set(name, sizes); // no sizes: a scalar, or of unknown rank
  }
  for (const { name, shape } of graph.weights.values()) written.set(name, shape);
  for (let meetings = -1; meetings < met.size;) {
    meetings = met.size;
    for (const node of graph.nodes.values()) {
      const shape = Object.hasOwn(shapeRules, node.op) ? shapeRules[node.op]!(node, facts) : undefined;
      if (shape) written.set(node.name, shape);
    }
  }
  cache.set(graph, found);
  return found;
}
