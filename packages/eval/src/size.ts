import { weightBytes, type Graph } from '@cq/core';
import { loweredOps } from '@cq/core/runtime';

export interface Size {
  /** Floats and codes. Not counted are shapes, indices and other int32, and the activation tables of lowered nodes. */
  readonly parameters: number;
  /** Bytes of all weights as stored. */
  readonly bytes: number;
}

export function sizeOfModel(graph: Graph): Size {
  const tables = new Set([...graph.nodes.values()].map(({ op, inputs }) => inputs[tableAt(op)]));
  let parameters = 0;
  for (const { name, dtype, data } of graph.weights.values()) {
    if (dtype !== 'int32' && !tables.has(name)) parameters += data.length;
  }
  return { parameters, bytes: weightBytes(graph) };
}

/** Where an op takes a table; outside its inputs if it takes none. */
const tableAt = (op: string): number => loweredOps.get(op)?.inputs.indexOf('table') ?? -1;
