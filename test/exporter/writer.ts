import { consumersOf, type Graph, type Node, type Weight } from '@cq/core';

/** A canonical graph on its way to an export: its values get new names, and nodes of other forms. */
export interface Writer {
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
  node(op: string, inputs: readonly string[], attrs?: Node['attrs']): string;
  /** A number becomes float32, a list int32. */
  constant(value: number | readonly number[] | Omit<Weight, 'name'>): string;
  integer(value: number): string;
  /** A value of the canonical graph under its new name, behind an Identity now and then. Its node is written if need be. */
  read(value: string): string;
  weight(value: string): Weight;
  /** Tokens of a value [batch, tokens, channels], -1 if they vary; undefined for a matrix. */
  tokens(value: string): number | undefined;
  /** One of so many habits. */
  habit(count: number): number;
  flip(): boolean;
}

/**
 * @param below A random integer from 0 to below the count.
 * @param written Writes a node of the canonical graph, and gives the name of its value.
 */
export function writer(
  graph: Graph,
  below: (count: number) => number,
  written: (node: Node, write: Writer) => string,
): Writer {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const names = new Map(graph.inputs.map(({ name }) => [name, name]));
  const tokens = tokensOf(graph);
  const taken = new Set(names.keys());
  const freshName = (): string => {
    const letters = Array.from({ length: 8 }, () => String.fromCharCode(97 + below(26))).join('');
    if (taken.has(letters)) return freshName();
    taken.add(letters);
    return letters;
  };
  /** A copy for each reader, as folding makes of shapes and scalars; a table that is tied stays one. */
  const constantOf = (weight: Weight): string => {
    const known = names.get(weight.name);
    if (known !== undefined) return known;
    const written = write.constant(weight);
    if (weight.shape.length === 2 && consumersOf(graph, weight.name).length > 1) names.set(weight.name, written);
    return written;
  };
  const write: Writer = {
    nodes,
    weights,
    node(op, inputs, attrs = {}) {
      const name = freshName();
      nodes.push({ name, op, inputs, attrs: { ...attrs, T: { type: 'DT_FLOAT' } } });
      return name;
    },
    constant(value) {
      const name = freshName();
      if (typeof value === 'number') weights.push({ name, dtype: 'float32', shape: [], data: Float32Array.of(value) });
      else if ('data' in value) weights.push({ ...value, name });
      else weights.push({ name, dtype: 'int32', shape: [value.length], data: Int32Array.from(value) });
      return name;
    },
    integer: (value) => write.constant({ dtype: 'int32', shape: [], data: Int32Array.of(value) }),
    read(value) {
      const weight = graph.weights.get(value);
      const name = weight ? constantOf(weight) : (names.get(value) ?? written(graph.nodes.get(value)!, write));
      if (!weight) names.set(value, name);
      return below(3) === 0 ? write.node('Identity', [name]) : name;
    },
    weight: (value) => graph.weights.get(value)!,
    tokens: (value) => tokens.get(value),
    habit: below,
    flip: () => below(2) === 0,
  };
  return write;
}

function tokensOf(graph: Graph): ReadonlyMap<string, number | undefined> {
  const tokens = new Map<string, number | undefined>();
  for (const { name, op, inputs, attrs } of graph.nodes.values()) {
    const constant = graph.weights.get(inputs[1] ?? '')?.data;
    let count = inputs.map((input) => tokens.get(input)).find((known) => known !== undefined);
    if (op === 'Patches') count = Number(attrs['rows']) * Number(attrs['columns']);
    if (op === 'AttentionContext') count = Number(attrs['tokens']);
    if (op === 'GatherV2') count = -1;
    if (op === 'Reshape') count = constant!.length === 3 ? constant![1] : undefined;
    if (op === 'Slice') count = graph.weights.has(inputs[0]!) ? undefined : graph.weights.get(inputs[2]!)!.data[1];
    if (op === 'Pad') count = count! + constant![2]! + constant![3]!;
    tokens.set(name, count);
  }
  return tokens;
}

export function reshaped(write: Writer, value: string, shape: readonly number[]): string {
  return write.node('Reshape', [value, write.constant(shape)]);
}

/**
 * value ─► Reshape(batch, tokens, ...rest). Where tokens vary, the sizes are asked for in one of the usual ways.
 * @param like A written value [batch, tokens, ..].
 */
export function withTokens(
  write: Writer,
  value: string,
  tokens: number,
  rest: readonly number[],
  like: string,
): string {
  if (tokens !== -1) return reshaped(write, value, [-1, tokens, ...rest]);
  const shape = write.node('Shape', [like], { out_type: { type: 'DT_INT32' } });
  const size = (axis: number): string => sizeOf(write, shape, axis);
  const target = [
    () => write.node('Pack', [size(0), size(1), ...rest.map(write.integer)], { N: rest.length + 2, axis: 0 }),
    () => write.node('Pack', [size(0), write.integer(-1), ...rest.map(write.integer)], { N: rest.length + 2, axis: 0 }),
    () => write.node('Pack', [write.integer(-1), size(1), ...rest.map(write.integer)], { N: rest.length + 2, axis: 0 }),
    () => write.node('ConcatV2', [firstTwo(write, shape), write.constant(rest), write.integer(0)], { N: 2 }),
  ][write.habit(4)]!();
  return write.node('Reshape', [value, target]);
}

/** One size of a shape, by StridedSlice or GatherV2. */
export function sizeOf(write: Writer, shape: string, axis: number): string {
  if (write.flip()) return write.node('GatherV2', [shape, write.integer(axis), write.integer(0)], { batch_dims: 0 });
  const bounds = [axis, axis + 1, 1].map((value) => write.constant([value]));
  return write.node('StridedSlice', [shape, ...bounds], { ...noMasks, shrink_axis_mask: 1 });
}

function firstTwo(write: Writer, shape: string): string {
  if (write.flip()) return write.node('GatherV2', [shape, write.constant([0, 1]), write.integer(0)]);
  const bounds = [0, 2, 1].map((value) => write.constant([value]));
  return write.node('StridedSlice', [shape, ...bounds], { ...noMasks, begin_mask: 1 });
}

/** As TensorFlow writes the attributes of a StridedSlice. */
export const noMasks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };

/** Row-major data with its axes in another order. */
export function permuted(data: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const stride = (axis: number): number => shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  let offsets = [0];
  for (const axis of order) {
    offsets = offsets.flatMap((offset) => Array.from({ length: shape[axis]! }, (_, i) => offset + i * stride(axis)));
  }
  return Float32Array.from(offsets, (offset) => data[offset]!);
}

export function shuffled<T>(items: readonly T[], below: (count: number) => number): readonly T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
