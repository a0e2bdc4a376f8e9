import { shapesOf } from '../canonicalize/shapes.ts';
import { withFakeQuantize } from '../annotations.ts';
import { edit, freeName } from '../edit.ts';
import { consumersOf, type Graph, type Node, type Weight } from '../graph.ts';
import { tokenMean } from '../match.ts';
import { codesAt, codeScale } from './rule.ts';

/**
 * quantized x ─► Mean over T tokens ─► quantize
 *
 * becomes     quantized x ─► Transpose 0 2 1 ─► MatMul ─► Reshape ─► quantize
 *                              quantized T ones / T ─┘
 *
 * A mean is a product with ones, which an integer kernel computes exactly.
 */
export function meansAsProducts(graph: Graph): Graph {
  for (const node of graph.nodes.values()) {
    const x = tokenMean(graph, node);
    const [reader] = consumersOf(graph, node.name);
    const codes = x === undefined ? undefined : codeScale(codesAt(graph, x));
    if (x === undefined || reader?.op !== 'CqFakeQuantize' || !codes || codes.bits > 8) continue;
    const [, tokens, channels] = shapesOf(graph).of(x) ?? [];
    if (shapesOf(graph).of(x)?.length !== 3 || !(tokens! > 0) || !(channels! > 0)) continue;
    graph = asProduct(graph, node, x, tokens!, channels!);
  }
  return graph;
}

function asProduct(graph: Graph, mean: Node, x: string, tokens: number, channels: number): Graph {
  const name = (part: string): string => freeName(graph, `${mean.name}/${part}`);
  const integers = (part: string, values: readonly number[]): Weight => ({
    ...{ name: name(part), dtype: 'int32', shape: [values.length], data: Int32Array.from(values) },
  });
  const order = integers('order', [0, 2, 1]);
  const shape = integers('shape', mean.attrs['keep_dims'] === true ? [-1, 1, channels] : [-1, channels]);
  const share = Float32Array.of(1 / tokens);
  const ones: Weight = {
    name: name('ones'),
    dtype: 'float32',
    shape: [tokens, 1],
    data: new Float32Array(tokens).fill(share[0]!),
  };
  const turned: Node = { name: name('turned'), op: 'Transpose', inputs: [x, order.name], attrs: {} };
  const product: Node = { name: name('product'), op: 'MatMul', inputs: [turned.name, ones.name], attrs: {} };
  const reshaped: Node = { name: mean.name, op: 'Reshape', inputs: [product.name, shape.name], attrs: {} };
  const changed = edit(graph, { nodes: [turned, product, reshaped], weights: [order, shape, ones] });
  const one = { kind: 'uniform', bits: 8, signed: true, scale: share, zeroPoint: Int32Array.of(0) } as const;
  return withFakeQuantize(changed, ones.name, one);
}
