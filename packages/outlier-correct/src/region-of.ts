import { consumersOf, halfBlocks, originOf, region, tipOf, type Graph, type Region } from '@cq/core';
import { readersOf, type Target } from './targets.ts';

/**
 * The part of the graph by whose output a fold of the target is judged: the branch that it lies in with the shortcut
 * around it; outside of blocks, from what its producer reads to the end of the layer that reads it.
 */
export function regionOf(graph: Graph, { value }: Target): Region | undefined {
  const half = halfBlocks(graph).find(({ nodes }) => nodes.includes(value));
  if (half) return half;
  const producer = graph.nodes.get(value)!;
  const [reader] = [...graph.nodes.values()].filter(
    ({ op, inputs }) => op === 'MatMul' && originOf(graph, inputs[0]!).source === value,
  );
  if (!reader || readersOf(graph, value).length !== 1) return undefined;
  const [next] = consumersOf(graph, tipOf(graph, reader.name));
  const end = next?.op === 'BiasAdd' ? next.name : reader.name;
  return region(graph, originOf(graph, producer.inputs[0]!).source, end);
}
