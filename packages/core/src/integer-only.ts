import { producerOf, type Graph, type Node } from './graph.ts';
import { loweredOps } from './runtime/ops.ts';

/** Products of TensorFlow.js and of canonical graphs, which are of floats. */
const products: ReadonlySet<string> = new Set([
  ...['MatMul', '_FusedMatMul', 'BatchMatMul', 'BatchMatMulV2', 'Einsum', 'AttentionLogits', 'AttentionContext'],
  ...['Conv2D', '_FusedConv2D', 'DepthwiseConv2dNative', 'CqFloatLinear', 'CqDynamicLinear'],
]);

/**
 * Whether a lowered model computes with integers alone: true, or the name of a node that does not. No node between the input
 * quantizers and the output dequantizers reads or gives a float or has one as an attribute, and there is no product outside.
 * So a table may be looked up in float before the first quantizer, and logits turned to probabilities behind the last
 * dequantizer. Moving codes and computing shapes is integer.
 */
export function integerOnly(graph: Graph): true | string {
  const nodes = [...graph.nodes.values()];
  const integers = new Set([...graph.inputs, ...graph.weights.values()].flatMap(integerName));
  for (const node of nodes) if (isInteger(node, integers)) integers.add(node.name);

  const after = new Set<string>();
  for (const { name, inputs } of nodes) {
    const reads = (input: string): boolean => after.has(producerOf(input)) || isOp(graph, input, 'CqQuantize');
    if (inputs.some(reads)) after.add(name);
  }
  const before = new Set<string>();
  for (const { name, op, inputs } of nodes.reverse()) {
    if (op === 'CqDequantize' || before.has(name)) for (const input of inputs) before.add(producerOf(input));
  }
  const wrong = nodes.reverse().find(({ name, op }) => {
    const inside = after.has(name) && before.has(name);
    return (inside && (!integers.has(name) || op === 'CqQuantize')) || products.has(op);
  });
  return wrong?.name ?? (after.size > 0 && before.size > 0 ? true : 'nothing is quantized');
}

/** Whether a node gives integers, and computes them from integers, unless it is where they come from. */
function isInteger({ op, inputs }: Node, integers: ReadonlySet<string>): boolean {
  if (op === 'CqQuantize') return true;
  const row = loweredOps.get(op);
  const reads = inputs.every((input) => integers.has(producerOf(input)));
  if (row) return reads && !Object.values(row.attrs).includes('float');
  return op === 'Shape' || (reads && op !== 'Cast');
}

const integerName = ({ name, dtype }: { readonly name: string; readonly dtype: string }): string[] =>
  dtype === 'float32' ? [] : [name];

const isOp = (graph: Graph, value: string, op: string): boolean => graph.nodes.get(producerOf(value))?.op === op;
