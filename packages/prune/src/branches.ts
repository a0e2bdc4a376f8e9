import { annotatedValue, halfBlocks, producer, type Graph } from '@cq/core';
import { attentionWidth } from './attention-width.ts';
import { linearAt, type Linear } from './linear.ts';
import { mlpWidth } from './mlp-width.ts';
import type { Refused, Width } from './width.ts';

/** stream + reader(…): half of a transformer block, ending in a linear layer. */
export interface Branch {
  readonly kind: 'attention' | 'feed-forward';
  /** The AddV2. */
  readonly sum: string;
  /** The layer whose output is added to the stream. The branch goes by the name of its weight. */
  readonly reader: Linear;
  /** What lies inside and can be made narrower: heads or channels. */
  readonly width: Width | Refused;
}

/** The branches of a canonical graph, in order, by structure alone: the half-blocks that end in a linear layer. */
export function branches(graph: Graph): readonly Branch[] {
  return halfBlocks(graph).flatMap(({ kind, input, output }): Branch[] => {
    const end = graph.nodes.get(output)!;
    const sum = end.op === 'AddV2' ? end : producer(graph, end.inputs[0]!);
    const branch = sum?.inputs.find((value) => annotatedValue(graph, value) !== input);
    const reader = branch === undefined ? undefined : linearAt(graph, branch);
    if (!sum || !reader || kind === 'transformer') return [];
    const width = kind === 'attention' ? attentionWidth(graph, reader) : mlpWidth(graph, reader);
    return [{ kind, sum: sum.name, reader, width }];
  });
}
