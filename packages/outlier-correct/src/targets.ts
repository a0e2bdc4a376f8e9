import { maskedData, originOf, roles, weightOf, type Graph } from '@cq/core';
import { magnitudes, type ChannelExtremes } from './channel-extremes.ts';

/** A weight that reads a value, and the axis along which the value's channels lie in it. */
export interface Reader {
  readonly weight: string;
  readonly axis: 0 | 1;
}

/** A value that may be divided by a scale per channel, and what is multiplied by it in return. */
export interface Target {
  /** What linear layers read; or keys, which queries make up for. */
  readonly value: string;
  readonly readers: readonly Reader[];
  /** Other activations that the fold changes: queries for keys, values for the output of attention. */
  readonly partners: readonly string[];
}

/** All of them in network order, by structure. */
export function targetsOf(graph: Graph): readonly Target[] {
  const found = new Map<string, Target>();
  for (const [value, role] of roles(graph, () => true)) {
    const readers = role === 'operand' && graph.nodes.has(value) ? readersOf(graph, value) : [];
    if (readers.length > 0) found.set(value, { value, readers, partners: valuesBehind(graph, value) });
  }
  for (const { op, inputs } of graph.nodes.values()) {
    if (op !== 'AttentionLogits') continue;
    const [queries, keys] = inputs.map((input) => originOf(graph, input).source) as [string, string];
    if (queries !== keys) found.set(keys, { value: keys, readers: [], partners: [queries] });
  }
  return [...graph.nodes.keys()].flatMap((name) => found.get(name) ?? []);
}

/** The weights that read a value, through movements. */
export function readersOf(graph: Graph, value: string): readonly Reader[] {
  return [...graph.nodes.values()].flatMap(({ op, inputs, attrs }): Reader[] => {
    const weight = op === 'MatMul' ? weightOf(graph, inputs[1]) : undefined;
    if (!weight || originOf(graph, inputs[0]!).source !== value) return [];
    return [{ weight: weight.name, axis: attrs['transpose_b'] === true ? 1 : 0 }];
  });
}

/** The values that an attention takes its output from. */
function valuesBehind(graph: Graph, value: string): readonly string[] {
  const node = graph.nodes.get(value);
  return node?.op === 'AttentionContext' ? [originOf(graph, node.inputs[1]!).source] : [];
}

/** Largest magnitude of every channel on the other side: over all weights that read the value, or of the queries. */
export function otherSide(
  graph: Graph,
  { readers, partners }: Target,
  extremes: ReadonlyMap<string, ChannelExtremes>,
): Float64Array {
  if (readers.length === 0) return magnitudes(extremes.get(partners[0]!)!);
  const sizes = readers.map(({ weight, axis }) => {
    const { shape } = graph.weights.get(weight)!;
    const [channels, columns] = [shape[axis]!, shape[1]!];
    const largest = new Float64Array(channels);
    maskedData(graph, graph.weights.get(weight)!).forEach((value, i) => {
      const channel = axis === 0 ? Math.floor(i / columns) : i % columns;
      if (Math.abs(value) > largest[channel]!) largest[channel] = Math.abs(value);
    });
    return largest;
  });
  return sizes[0]!.map((_, c) => Math.max(...sizes.map((size) => size[c]!)));
}
