import { consumersOf, isOutput, numberAttr, type Graph, type Node } from '@cq/core';
import { noMasks, permuted, withTokens, type Writer } from './writer.ts';

/** A written operand of attention. */
interface Operand {
  readonly value: string;
  /** [batch, tokens, heads · depth], [batch, tokens, heads, depth], or [batch, heads, tokens, depth] */
  readonly layout: 'rows' | 'split' | 'heads';
}

/** An attention whose projections are layers that nothing else reads. */
interface Group {
  readonly logits: Node;
  /** Queries, keys and values. */
  readonly layers: readonly Layer[];
}

/** x ─► MatMul ─► BiasAdd */
export interface Layer {
  readonly x: string;
  readonly weight: string;
  readonly bias: string;
}

export interface AttentionForms {
  logits(node: Node): string;
  context(node: Node): string;
  /** The layer behind a context that is still split into heads; undefined for any other layer. */
  merging(layer: Layer): string | undefined;
}

/**
 * Attention and its projections in one of three styles: products of transposed heads, Einsum throughout, or one product
 * for queries, keys and values together.
 */
export function attentionForms(graph: Graph, write: Writer): AttentionForms {
  const projected = new Map<string, { readonly style: Style; readonly operands: readonly Operand[] }>();

  const projectionsOf = (logits: Node, values: readonly string[]) => {
    const known = projected.get(logits.name);
    if (known) return known;
    const group = groupOf(graph, logits);
    const style = group ? styles[write.habit(3)]! : 'transposed';
    const operands =
      style === 'transposed' || !group
        ? values.map((value): Operand => ({ value: write.read(value), layout: 'rows' }))
        : style === 'einsum'
          ? group.layers.map((layer) => byEinsum(layer, logits, write))
          : packed(group, write);
    const made = { style, operands };
    projected.set(logits.name, made);
    return made;
  };
  const projectionsBehind = (context: Node) => {
    const logits = logitsBehind(graph, context);
    return projectionsOf(logits, [...logits.inputs, context.inputs[1]!]);
  };

  /** [batch, heads, tokens, depth], or with the last two axes turned round. */
  const inHeads = (node: Node, { value, layout }: Operand, turned = false): string => {
    const order = (...axes: readonly number[]): string => write.node('Transpose', [value, write.constant(axes)]);
    if (layout === 'heads') return turned ? order(0, 1, 3, 2) : value;
    const rest = [numberAttr(node, 'heads'), numberAttr(node, 'depth')];
    const split = layout === 'split' ? value : withTokens(write, value, numberAttr(node, 'tokens'), rest, value);
    return write.node('Transpose', [split, write.constant(turned ? [0, 2, 3, 1] : [0, 2, 1, 3])]);
  };

  return {
    /** √depth divides the logits, or its root divides queries and keys. */
    logits(node) {
      const context = contextBehind(graph, node);
      const { style, operands } = projectionsOf(node, [...node.inputs, context.inputs[1]!]);
      const [q, k] = operands as [Operand, Operand];
      const factor = numberAttr(node, 'factor');
      if (style === 'einsum') {
        const scaled = write.node('Mul', [q.value, write.constant(factor)]);
        return write.node('Einsum', [k.value, scaled], { equation: 'aecd,abcd->acbe', N: 2 });
      }
      const [early, turned] = [write.flip(), write.flip()];
      const root = (value: string): string =>
        early ? write.node('RealDiv', [value, write.constant(Math.sqrt(1 / factor))]) : value;
      const pair = [root(inHeads(node, q)), root(inHeads(node, k, turned))];
      const products = write.node('BatchMatMulV2', pair, { adj_x: false, adj_y: !turned });
      return early ? products : write.node('RealDiv', [products, write.constant(1 / factor)]);
    },

    context(node) {
      const { style, operands } = projectionsBehind(node);
      const p = write.read(node.inputs[0]!);
      if (style === 'einsum') {
        return write.node('Einsum', [p, operands[2]!.value], { equation: 'acbe,aecd->abcd', N: 2 });
      }
      const pair = [p, inHeads(node, operands[2]!)];
      const heads = write.node('BatchMatMulV2', pair, { adj_x: false, adj_y: false });
      const rows = write.node('Transpose', [heads, write.constant([0, 2, 1, 3])]);
      const width = numberAttr(node, 'heads') * numberAttr(node, 'depth');
      return withTokens(write, rows, numberAttr(node, 'tokens'), [width], rows);
    },

    merging({ x, weight, bias }) {
      const context = graph.nodes.get(x);
      if (context?.op !== 'AttentionContext' || projectionsBehind(context).style !== 'einsum') return undefined;
      const { shape, data } = write.weight(weight);
      const split = [numberAttr(context, 'heads'), numberAttr(context, 'depth'), shape[1]!];
      const matrix = write.constant({ dtype: 'float32', shape: split, data });
      const product = write.node('Einsum', [write.read(x), matrix], { equation: 'abcd,cde->abe', N: 2 });
      return write.node('AddV2', [product, write.read(bias)]);
    },
  };
}

const styles = ['transposed', 'einsum', 'packed'] as const;
type Style = (typeof styles)[number];

/** The layer whose last node this is. */
export function layerAt(graph: Graph, name: string): Layer | undefined {
  const bias = graph.nodes.get(name);
  const product = bias?.op === 'BiasAdd' ? graph.nodes.get(bias.inputs[0]!) : undefined;
  if (product?.op !== 'MatMul' || !isRead(graph, product.name)) return undefined;
  return { x: product.inputs[0]!, weight: product.inputs[1]!, bias: bias!.inputs[1]! };
}

/** Whether exactly one node reads the value. */
const isRead = (graph: Graph, name: string): boolean => consumersOf(graph, name).length === 1 && !isOutput(graph, name);

function groupOf(graph: Graph, logits: Node): Group | undefined {
  const context = contextBehind(graph, logits);
  const names = [...logits.inputs, context.inputs[1]!];
  const layers = names.map((name) => (isRead(graph, name) ? layerAt(graph, name) : undefined));
  const [reader] = consumersOf(graph, context.name);
  const merges = isRead(graph, context.name) && reader?.op === 'MatMul' && isRead(graph, reader.name);
  const isSound = layers.every((layer) => layer !== undefined && layer.x === layers[0]!.x);
  return merges && isSound ? { logits, layers: layers as Layer[] } : undefined;
}

function contextBehind(graph: Graph, logits: Node): Node {
  let node = logits;
  while (node.op !== 'AttentionContext') [node] = consumersOf(graph, node.name) as [Node];
  return node;
}

function logitsBehind(graph: Graph, context: Node): Node {
  let node = context;
  while (node.op !== 'AttentionLogits') node = graph.nodes.get(node.inputs[0]!)!;
  return node;
}

/** x ─► Einsum ─► AddV2, as [batch, tokens, heads, depth] */
function byEinsum({ x, weight, bias }: Layer, logits: Node, write: Writer): Operand {
  const [heads, depth] = [numberAttr(logits, 'heads'), numberAttr(logits, 'depth')];
  const { shape, data } = write.weight(weight);
  const matrix = write.constant({ dtype: 'float32', shape: [shape[0]!, heads, depth], data });
  const vector = write.constant({ dtype: 'float32', shape: [heads, depth], data: write.weight(bias).data });
  const product = write.node('Einsum', [write.read(x), matrix], { equation: 'abc,cde->abde', N: 2 });
  return { value: write.node('AddV2', [product, vector]), layout: 'split' };
}

/** One product for all three, taken apart in one of the usual ways. */
function packed({ logits, layers }: Group, write: Writer): readonly Operand[] {
  const [heads, depth, tokens] = ['heads', 'depth', 'tokens'].map((name) => numberAttr(logits, name)) as [
    number,
    number,
    number,
  ];
  const width = heads * depth;
  const [inputs] = write.weight(layers[0]!.weight).shape as [number];
  // [3, inputs, width] with the first axis moved behind the second: the columns side by side
  const data = Float32Array.from(layers.flatMap(({ weight }) => [...write.weight(weight).data]));
  const weight = {
    dtype: 'float32',
    shape: [inputs, 3 * width],
    data: permuted(data, [3, inputs, width], [1, 0, 2]),
  } as const;
  const biases = Float32Array.from(layers.flatMap(({ bias }) => [...write.weight(bias).data]));
  const bias = { dtype: 'float32', shape: [3 * width], data: biases } as const;
  const x = write.read(layers[0]!.x);
  const product = write.node('BatchMatMulV2', [x, write.constant(weight)], { adj_x: false, adj_y: false });
  const all = write.node('AddV2', [product, write.constant(bias)]);
  const three = [0, 1, 2];
  const asOperands = (values: readonly string[], layout: Operand['layout']): Operand[] =>
    values.map((value) => ({ value, layout }));
  const outputs = (node: string): string[] => three.map((i) => (i === 0 ? node : `${node}:${i}`));
  const apart = (rest: readonly number[]): string => withTokens(write, all, tokens, rest, x);
  /** value[.., i, ..] along one of five axes */
  const at = (value: string, axis: number, i: number): string => {
    if (write.flip()) return write.node('GatherV2', [value, write.integer(i), write.integer(axis)], { batch_dims: 0 });
    const bounds = [i, i + 1, 1].map((bound) =>
      write.constant(three.concat(3, 4).map((k) => (k === axis ? bound : bound === 1 ? 1 : 0))),
    );
    const others = 31 - 2 ** axis;
    const masks = { ...noMasks, begin_mask: others, end_mask: others, shrink_axis_mask: 2 ** axis };
    return write.node('StridedSlice', [value, ...bounds], masks);
  };
  const turned = (): string => write.node('Transpose', [apart([3, heads, depth]), write.constant([2, 0, 3, 1, 4])]);
  return [
    () => asOperands(outputs(write.node('Split', [write.integer(-1), all], { num_split: 3 })), 'rows'),
    () => {
      const sizes = write.constant([width, width, width]);
      return asOperands(outputs(write.node('SplitV', [all, sizes, write.integer(2)], { num_split: 3 })), 'rows');
    },
    () => asOperands(outputs(write.node('Unpack', [turned()], { num: 3, axis: 0 })), 'heads'),
    () => {
      const value = turned();
      return asOperands(
        three.map((i) => at(value, 0, i)),
        'heads',
      );
    },
    () => {
      const value = apart([3, heads, depth]);
      return asOperands(
        three.map((i) => at(value, 2, i)),
        'split',
      );
    },
  ][write.habit(5)]!();
}
