import { fakeQuantizeOf } from '../annotations.ts';
import { edit, freeName } from '../edit.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { firstRowsOf } from '../match.ts';

/**
 * quantized table ─► Slice(tokens)          becomes          quantized table, Range(0, tokens) ─► GatherV2
 *
 * Rows that are looked up stay codes until then; those of a Slice would all become floats at every run.
 */
export function firstRowsAsLookups(graph: Graph): Graph {
  for (const node of graph.nodes.values()) {
    const rows = firstRowsOf(graph, node);
    if (rows && fakeQuantizeOf(graph, rows.table.name)) graph = edit(graph, lookup(graph, node, rows.size));
  }
  return graph;
}

function lookup(graph: Graph, { name, inputs }: Node, size: string): { nodes: Node[]; weights: Weight[] } {
  const weights: Weight[] = [];
  const nodes: Node[] = [];
  const integers = (part: string, data: readonly number[], shape: readonly number[] = []): string => {
    weights.push({ name: freeName(graph, `${name}/${part}`), dtype: 'int32', shape, data: Int32Array.from(data) });
    return weights.at(-1)!.name;
  };
  const node = (part: string, op: string, operands: readonly string[], attrs: Node['attrs'] = {}): string => {
    nodes.push({ name: freeName(graph, `${name}/${part}`), op, inputs: operands, attrs });
    return nodes.at(-1)!.name;
  };
  const count = graph.weights.get(size)?.data[0];
  const ids = count === undefined ? counted() : integers('ids', [...Array(count).keys()], [count]);
  nodes.push({
    name,
    op: 'GatherV2',
    inputs: [inputs[0]!, ids, integers('axis', [0])],
    attrs: { batch_dims: 0 },
  });
  return { nodes, weights };

  /** 0, 1, … as long as the first number of the size list says. */
  function counted(): string {
    const bounds = [0, 1, 1].map((value, i) => integers(['begin', 'end', 'strides'][i]!, [value], [1]));
    const tokens = node('tokens', 'StridedSlice', [size, ...bounds], { shrink_axis_mask: 1 });
    return node('ids', 'Range', [integers('start', [0]), tokens, integers('delta', [1])], {
      Tidx: { type: 'DT_INT32' },
    });
  }
}
