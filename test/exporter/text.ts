import { consumersOf, type Graph, type Node } from '@cq/core';
import { noMasks, reshaped, sizeOf, withTokens, type Writer } from './writer.ts';

/**
 * What text models have beside their blocks: lookups, positions, padding masks, the first token. Each is written from the
 * last node of its group.
 */

/** Rows of a table by GatherV2 or Gather, of flattened ids, or by the product with OneHot ids. */
export function lookup({ inputs }: Node, write: Writer): string {
  const [table, ids] = inputs as [string, string];
  const { shape } = write.weight(table);
  const flat = write.flip();
  const rows = flat ? reshaped(write, write.read(ids), [-1]) : write.read(ids);
  const found = ((): string => {
    if (shape[0] === 2) {
      const [on, off] = [write.constant(1), write.constant(0)];
      const chosen = write.node('OneHot', [rows, write.integer(shape[0]), on, off], {
        axis: -1,
        TI: { type: 'DT_INT32' },
      });
      return write.node(flat ? 'MatMul' : 'BatchMatMulV2', [chosen, write.read(table)]);
    }
    if (write.flip()) return write.node('Gather', [write.read(table), rows], { validate_indices: true });
    return write.node('GatherV2', [write.read(table), rows, write.integer(0)], {
      batch_dims: 0,
      Taxis: { type: 'DT_INT32' },
    });
  })();
  return flat ? withTokens(write, found, -1, [shape[1]!], write.read(ids)) : found;
}

/** Rows 0, 1, … of a table, for as many tokens as there are: [tokens, n], [1, tokens, n] or [batch, tokens, n] */
export function positions(table: string, ids: string, write: Writer): string {
  const { shape } = write.weight(table);
  const sizes = write.node('Shape', [write.read(ids)]);
  const count = sizeOf(write, sizes, 1);
  const zeros = (): string => write.constant([0, 0]);
  const rows = [
    () => {
      const counting = write.node('Range', [write.integer(0), count, write.integer(1)], { Tidx: { type: 'DT_INT32' } });
      return write.node('GatherV2', [write.read(table), counting, write.integer(0)], { batch_dims: 0 });
    },
    () => {
      const size = write.node('Pack', [count, write.integer(shape[1]!)], { N: 2, axis: 0 });
      return write.node('Slice', [write.read(table), zeros(), size]);
    },
    () => {
      const end = write.node('Pack', [count, write.integer(0)], { N: 2, axis: 0 });
      const bounds = [zeros(), end, write.constant([1, 1])];
      return write.node('StridedSlice', [write.read(table), ...bounds], { ...noMasks, begin_mask: 3, end_mask: 2 });
    },
    () => {
      const all = {
        dtype: 'int32',
        shape: [1, shape[0]!],
        data: Int32Array.from({ length: shape[0]! }, (_, i) => i),
      } as const;
      const size = write.node('Pack', [write.integer(1), count], { N: 2, axis: 0 });
      const some = write.node('Slice', [write.constant(all), zeros(), size]);
      return write.node('GatherV2', [write.read(table), some, write.integer(0)], { batch_dims: 0 });
    },
  ][write.habit(4)]!();
  if (!write.flip()) return rows;
  const one = write.node('Reshape', [
    rows,
    write.node('Pack', [write.integer(1), count, write.integer(shape[1]!)], { axis: 0 }),
  ]);
  if (write.flip()) return one;
  const times = write.node('Pack', [sizeOf(write, sizes, 0), write.integer(1), write.integer(1)], { N: 3, axis: 0 });
  return write.node('Tile', [one, times]);
}

const infinities = [-10_000, -1e9, -3.4028234663852886e38];

/** (1 − mask) · −∞ as [batch, 1, 1, tokens], or [batch, 1, tokens, tokens] */
export function additiveMask(mask: string, write: Writer): string {
  const float = (value: string): string =>
    write.node('Cast', [value], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' }, Truncate: false });
  const infinity = infinities[write.habit(3)]!;
  const bias = (value: string): string =>
    write.node('Mul', [write.node('Sub', [write.constant(1), value]), write.constant(infinity)]);
  const given = write.read(mask);
  const sizes = write.node('Shape', [given]);
  const spread = (value: string, ...shape: readonly string[]): string =>
    write.node('Reshape', [value, write.node('Pack', shape, { N: shape.length, axis: 0 })]);
  const [batch, tokens] = [(): string => sizeOf(write, sizes, 0), (): string => sizeOf(write, sizes, 1)];
  const one = (): string => write.integer(1);
  return [
    () => {
      const heads = write.node('ExpandDims', [given, write.integer(1)]);
      return bias(float(write.node('ExpandDims', [heads, write.integer(2)])));
    },
    () => bias(spread(float(given), batch(), one(), one(), tokens())),
    () => {
      const bounds = [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 1, 1],
      ].map((values) => write.constant(values)); // [:, new, new, :]
      const masks = { ...noMasks, begin_mask: 9, end_mask: 9, new_axis_mask: 6 };
      return bias(float(write.node('StridedSlice', [given, ...bounds], masks)));
    },
    () => {
      const shape = write.node('Pack', [batch(), tokens(), one()], { N: 3, axis: 0 });
      const ones = write.node('Fill', [shape, write.constant(1)]);
      const rows = write.node('Mul', [ones, float(spread(given, batch(), one(), tokens()))]);
      return bias(write.node('ExpandDims', [rows, write.constant([1])]));
    },
  ][write.habit(4)]!();
}

/** x [batch, tokens, n] at token 0: [batch, n] */
export function firstToken(x: string, width: number, write: Writer): string {
  const given = write.read(x);
  return [
    () => {
      const bounds = [
        [0, 0, 0],
        [0, 1, 0],
        [1, 1, 1],
      ].map((values) => write.constant(values)); // [:, 0]
      const masks = { ...noMasks, begin_mask: 5, end_mask: 5, shrink_axis_mask: 2 };
      return write.node('StridedSlice', [given, ...bounds], masks);
    },
    () => write.node('GatherV2', [given, write.integer(0), write.integer(1)], { batch_dims: 0 }),
    () => {
      const row = write.node('Slice', [given, write.constant([0, 0, 0]), write.constant([-1, 1, width])]);
      return write.node('Squeeze', [row], { squeeze_dims: [1] });
    },
  ][write.habit(3)]!();
}

/** The mask that a chain of Cast, Sub, Mul and ExpandDims makes additive, if the node is its last. */
export function maskBehind(graph: Graph, node: Node): string | undefined {
  const steps = ['ExpandDims', 'ExpandDims', 'Mul', 'Sub', 'Cast'];
  if (consumersOf(graph, node.name)[0]?.op !== 'AddV2') return undefined;
  let at: string = node.name;
  for (const op of steps) {
    const step = graph.nodes.get(at);
    if (step?.op !== op) return undefined;
    at = step.inputs[op === 'Sub' ? 1 : 0]!;
  }
  return at;
}

/** The ids by whose number the node cuts a table of positions. */
export function idsBehind(graph: Graph, { op, inputs }: Node): string | undefined {
  const size = op === 'Slice' && graph.weights.has(inputs[0]!) ? graph.nodes.get(inputs[2]!) : undefined;
  const count = graph.nodes.get(size?.inputs[0] ?? '');
  return graph.nodes.get(count?.inputs[0] ?? '')?.inputs[0];
}

/** The value whose first token a Slice and a Reshape take, and its width. */
export function tokenBehind(graph: Graph, node: Node): { readonly x: string; readonly width: number } | undefined {
  const row = node.op === 'Reshape' ? graph.nodes.get(node.inputs[0]!) : undefined;
  const size = row?.op === 'Slice' ? graph.weights.get(row.inputs[2]!)?.data : undefined;
  const [, width] = graph.weights.get(node.inputs[1] ?? '')?.data ?? [];
  const isFirst = String(size) === '-1,1,-1' && graph.weights.get(row!.inputs[1]!)!.data.every((at) => at === 0);
  return isFirst ? { x: row!.inputs[0]!, width: width! } : undefined;
}
