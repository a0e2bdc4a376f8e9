import { freeName } from '../edit.ts';
import { stringAttr, type Graph, type Node, type Weight } from '../graph.ts';
import { sizeOf } from '../runtime/op.ts';
import { weightOf } from '../match.ts';
import { integersWeight, plainWeight, reshaped, transposed } from './constant.ts';
import { turned, type RightOperand } from './mat-mul.ts';
import { everywhere, type Rewrite } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { sizeList } from './size-list.ts';
import { UNKNOWN } from './sizes.ts';

/**
 * Products by letters, as Keras writes its dense and attention layers:
 *
 *     x, w ─► Einsum abc,cd→abd            becomes     x, w ─► MatMul
 *     x, w ─► Einsum abc,cde→abde          becomes     x, w ─► MatMul ─► Reshape
 *     x, w ─► Einsum abcd,cde→abe          becomes     x ─► Reshape ─► MatMul ◄── w
 *     k, q ─► Einsum aecd,abcd→acbe        becomes     q, k ─► Transpose ─► BatchMatMulV2 {adj_y}
 *     p, v ─► Einsum acbe,aecd→abcd        becomes     v ─► Transpose ─► BatchMatMulV2 ◄── p, then Transpose
 */
export const einsum = everywhere((node, graph) => {
  if (node.op !== 'Einsum' || node.inputs.length !== 2) return undefined;
  const letters = /^(\w+),(\w+)->(\w+)$/.exec(stringAttr(node, 'equation').replaceAll(' ', ''));
  if (!letters) return undefined;
  const [, first, second, result] = letters as unknown as [string, string, string, string];
  if (![first, second, result].every((labels) => new Set(labels).size === labels.length)) return undefined;
  const [a, b] = [
    { value: node.inputs[0]!, labels: first },
    { value: node.inputs[1]!, labels: second },
  ];
  if (weightOf(graph, b.value)) return dense(graph, node, a, b, result);
  if (weightOf(graph, a.value)) return dense(graph, node, b, a, result);
  return batched(graph, node, a, b, result) ?? batched(graph, node, b, a, result);
});

interface Operand {
  readonly value: string;
  /** One letter an axis. */
  readonly labels: string;
}

/** x [rows, inputs] · w → [rows, outputs], in which each of the three may be several axes. */
function dense(graph: Graph, node: Node, x: Operand, w: Operand, result: string): Rewrite | undefined {
  const inputs = [...x.labels].filter((label) => w.labels.includes(label) && !result.includes(label)).join('');
  const outputs = [...result].filter((label) => w.labels.includes(label) && !x.labels.includes(label)).join('');
  const rows = x.labels.slice(0, x.labels.length - inputs.length);
  const shape = shapesOf(graph).asWritten(x.value);
  if (!rows || !inputs || !outputs || x.labels !== rows + inputs || result !== rows + outputs) return undefined;
  if ([...w.labels].sort().join('') !== [...inputs, ...outputs].sort().join('')) return undefined;
  const operand = asMatrix(graph, w, inputs, outputs);
  const sizes = shape?.slice(1, rows.length);
  if (!operand || (w.labels.length > 2 && sizes?.includes(UNKNOWN) !== false)) return undefined;

  const nodes: Node[] = [];
  const weights: Weight[] = [...operand.weights];
  const reshape = (name: string, value: string, tail: readonly number[]): string => {
    const target = sizeList(graph, `${name}/shape`, [UNKNOWN, ...sizes!, ...tail]);
    weights.push(...target.weights);
    nodes.push(...target.nodes, { name, op: 'Reshape', inputs: [value, target.value], attrs: {} });
    return name;
  };
  const stored = weightOf(graph, w.value)!.shape;
  const size = (label: string): number => stored[w.labels.indexOf(label)]!;
  const flat =
    inputs.length > 1
      ? reshape(freeName(graph, `${node.name}/rows`), x.value, [sizeOf([...inputs].map(size))])
      : x.value;
  const product = outputs.length > 1 ? freeName(graph, `${node.name}/product`) : node.name;
  nodes.push({ name: product, op: 'MatMul', inputs: [flat, operand.value], attrs: operand.attrs });
  if (outputs.length > 1) reshape(node.name, product, [...outputs].map(size));
  return { nodes, weights, inside: [] };
}

/** A constant operand as the right one of a MatMul: [inputs, outputs], in which both may be several axes. */
function asMatrix(graph: Graph, w: Operand, inputs: string, outputs: string): RightOperand | undefined {
  if (w.labels === inputs + outputs && w.labels.length === 2) return { value: w.value, weights: [], attrs: {} };
  if (w.labels === outputs + inputs && w.labels.length === 2) return turned(graph, w.value);
  let matrix = plainWeight(graph, w.value);
  if (!matrix) return undefined;
  const order = [...(inputs + outputs)].map((label) => w.labels.indexOf(label));
  if (w.labels !== inputs + outputs) matrix = transposed(graph, matrix, order);
  const size = sizeOf(matrix.shape.slice(0, inputs.length));
  matrix = reshaped(graph, matrix, [size, matrix.data.length / size]);
  return { value: matrix.name, weights: [matrix], attrs: {} };
}

/** For every batch axis: left [rows, inner] · right [inner, columns] → [rows, columns]. */
function batched(graph: Graph, node: Node, left: Operand, right: Operand, result: string): Rewrite | undefined {
  const shared = (label: string): boolean => left.labels.includes(label) && right.labels.includes(label);
  const batch = [...result].filter(shared).join('');
  const [rows, ...moreRows] = [...result].filter((label) => !right.labels.includes(label));
  const [columns, ...moreColumns] = [...result].filter((label) => !left.labels.includes(label));
  const [inner, ...moreInner] = [...left.labels].filter((label) => shared(label) && !result.includes(label));
  if (!rows || !columns || !inner || moreRows.length + moreColumns.length + moreInner.length > 0) return undefined;
  if (result.indexOf(rows) > result.indexOf(columns)) return undefined;
  if (left.labels.length !== batch.length + 2 || right.labels.length !== batch.length + 2) return undefined;

  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const ordered = (part: string, name: string, { value, labels }: Operand, wanted: string): string => {
    if (labels === wanted) return value;
    const order = integersWeight(
      graph,
      `${node.name}/${part}_order`,
      [...wanted].map((label) => labels.indexOf(label)),
    );
    weights.push(order);
    nodes.push({ name, op: 'Transpose', inputs: [value, order.name], attrs: {} });
    return name;
  };
  const adjoint = right.labels.indexOf(columns) < right.labels.indexOf(inner);
  const a = ordered('left', freeName(graph, `${node.name}/left`), left, batch + rows + inner);
  const columnsFirst = batch + (adjoint ? columns + inner : inner + columns);
  const b = ordered('right', freeName(graph, `${node.name}/right`), right, columnsFirst);
  const labels = batch + rows + columns;
  const product = labels === result ? node.name : freeName(graph, `${node.name}/product`);
  nodes.push({ name: product, op: 'BatchMatMulV2', inputs: [a, b], attrs: { adj_x: false, adj_y: adjoint } });
  ordered('result', node.name, { value: product, labels }, result);
  return { nodes, weights, inside: [] };
}
