import { freeName } from '../edit.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { weightOf } from '../match.ts';
import { integersWeight, scalarOf } from './constant.ts';
import { everywhere, type Rewrite } from './rule.ts';
import { shapesOf } from './shapes.ts';
import { sizeList } from './size-list.ts';
import { sameWherePossible, UNKNOWN } from './sizes.ts';

/**
 * Rows of a table by their ids:
 *
 *     table, ids ─► Gather or ResourceGather                        becomes     table, ids ─► GatherV2 {axis 0}
 *     ids ─► OneHot(rows, 1, 0) ─► MatMul ◄── table [rows, n]
 */
export const lookup = everywhere((node, graph) => {
  const [first, second] = node.inputs as [string, string];
  if (node.op === 'Gather' || node.op === 'ResourceGather') {
    return (node.attrs['batch_dims'] ?? 0) === 0 ? rows(graph, node, first, second) : undefined;
  }
  if (node.op === 'GatherV2' && weightOf(graph, first) && !isPlain(graph, node))
    return rows(graph, node, first, second);
  const chosen = node.op === 'MatMul' && Object.keys(node.attrs).length === 0 ? graph.nodes.get(first) : undefined;
  const table = weightOf(graph, second);
  if (chosen?.op !== 'OneHot' || !table || !picksOne(graph, chosen, table)) return undefined;
  return { ...rows(graph, node, second, chosen.inputs[0]!), inside: [chosen.name] };
});

function rows(graph: Graph, { name }: Node, table: string, ids: string): Rewrite {
  const axis = integersWeight(graph, `${name}/axis`, [0], []);
  const node: Node = { name, op: 'GatherV2', inputs: [table, ids, axis.name], attrs: { batch_dims: 0 } };
  return { nodes: [node], weights: [axis], inside: [] };
}

/** Whether a lookup along axis 0 is as `rows` writes it; others are none of them. */
function isPlain(graph: Graph, { inputs, attrs }: Node): boolean {
  const axis = graph.weights.get(inputs[2]!);
  if (axis?.data[0] !== 0 || (attrs['batch_dims'] ?? 0) !== 0) return true;
  return axis.shape.length === 0 && Object.keys(attrs).length === 1 && attrs['batch_dims'] === 0;
}

/** Whether OneHot puts 1 where the table's row is, and 0 everywhere else. */
function picksOne(graph: Graph, { inputs, attrs }: Node, { shape }: Weight): boolean {
  const depth = shapesOf(graph).integers(inputs[1])?.[0];
  const [on, off] = [scalarOf(graph, inputs[2]), scalarOf(graph, inputs[3])];
  return (attrs['axis'] ?? -1) === -1 && shape.length === 2 && depth === shape[0] && on === 1 && off === 0;
}

/**
 * The first rows of a table, asked for one by one:
 *
 *     table, Range(0, tokens) ─► GatherV2                           becomes     table ─► Slice(tokens)
 *     table, Slice(0, 1, 2, …) ─► ExpandDims ─► GatherV2                        table ─► Slice(tokens) ─► ExpandDims
 */
export const firstRows = everywhere((node, graph) => {
  const [table, ids] = node.inputs as [string, string];
  const shapes = shapesOf(graph);
  const [sizes, rank] = [shapes.asWritten(ids), weightOf(graph, table)?.shape.length];
  if (
    node.op !== 'GatherV2' ||
    rank !== 2 ||
    !sizes ||
    !isPlain(graph, node) ||
    shapes.integers(node.inputs[2])?.[0] !== 0
  )
    return undefined;
  if (sizes.at(-1) === UNKNOWN || !countsUp(graph, ids)) return undefined;
  const begin = integersWeight(graph, `${node.name}/begin`, [0, 0]);
  const size = sizeList(graph, `${node.name}/size`, [sizes.at(-1)!, UNKNOWN]);
  const weights = [begin, ...size.weights];
  const nodes = [...size.nodes];
  let value = table;
  const step = (op: string, ...operands: readonly string[]): void => {
    const name = freeName(graph, `${node.name}/${op.toLowerCase()}_${nodes.length}`);
    nodes.push({ name, op, inputs: [value, ...operands], attrs: {} });
    value = name;
  };
  step('Slice', begin.name, size.value);
  if (sizes.length > 1) {
    const axis = integersWeight(graph, `${node.name}/front`, [0], []);
    weights.push(axis);
    sizes.slice(1).forEach(() => step('ExpandDims', axis.name));
  }
  return {
    nodes: nodes.map((part) => (part.name === value ? { ...part, name: node.name } : part)),
    weights,
    inside: [],
  };
});

/** Whether a value is 0, 1, 2, … along its last axis, which is its only one but for sizes of 1. */
function countsUp(graph: Graph, value: string): boolean {
  const shapes = shapesOf(graph);
  if (
    !shapes
      .of(value)
      ?.slice(0, -1)
      .every((size) => size === 1)
  )
    return false;
  const weight = graph.weights.get(value);
  if (weight) return weight.dtype === 'int32' && weight.data.every((id, i) => id === i);
  const node = graph.nodes.get(value);
  if (node?.op === 'Range') {
    const [start, , delta] = node.inputs.map((input) => graph.weights.get(input)?.data[0]);
    return start === 0 && delta === 1;
  }
  const isFirst = node?.op === 'Slice' && graph.weights.get(node.inputs[1]!)?.data.every((at) => at === 0) === true;
  return node !== undefined && (isFirst || rearranging.has(node.op)) && countsUp(graph, node.inputs[0]!);
}

const rearranging: ReadonlySet<string> = new Set(['ExpandDims', 'Reshape', 'Squeeze', 'Identity']);

/** ids ─► Reshape(-1) ─► GatherV2 ◄── table, then Reshape(b, t, n)     becomes     ids ─► GatherV2 ◄── table */
export const flatLookup = everywhere((last, graph) => {
  const gather = graph.nodes.get(last.inputs[0] ?? '');
  const flat = graph.nodes.get(gather?.inputs[1] ?? '');
  if (last.op !== 'Reshape' || gather?.op !== 'GatherV2' || flat?.op !== 'Reshape') return undefined;
  const shapes = shapesOf(graph);
  const [table, axis] = [weightOf(graph, gather.inputs[0]), shapes.integers(gather.inputs[2])?.[0]];
  const [ids, after] = [shapes.of(flat.inputs[0]), shapes.of(last.name)];
  if (table?.shape.length !== 2 || axis !== 0 || !ids || !after || shapes.of(flat.name)?.length !== 1) return undefined;
  if (!sameWherePossible([...ids, table.shape[1]!], after)) return undefined;
  const inputs = [gather.inputs[0]!, flat.inputs[0]!, gather.inputs[2]!];
  return { nodes: [{ ...gather, name: last.name, inputs }], inside: [gather.name] };
});
