import { fakeQuantizeOf } from '../annotations.ts';
import { consumersOf, isOutput, producerOf, type Graph, type Node } from '../graph.ts';

/** A value that no integer node holds, and why. */
export interface LeftInFloat {
  readonly value: string;
  readonly reason: string;
}

/** Ops that read codes and give floats. */
const givesFloats: ReadonlySet<string> = new Set([
  ...['CqDequantize', 'CqWeight', 'CqEmbedding', 'CqDynamicLinear', 'CqFloatLinear'],
]);

/**
 * Every node of the lowered graph that computes in float, with the reason. Movements of codes and shape arithmetic do not.
 * @param reasons Why no rule took the chain that ends in a value.
 */
export function leftInFloat(annotated: Graph, lowered: Graph, reasons: ReadonlyMap<string, string>): LeftInFloat[] {
  const constants = [...lowered.inputs, ...lowered.weights.values()];
  const integers = new Set(constants.filter(({ dtype }) => dtype !== 'float32').map(({ name }) => name));
  const rows = new Set([...lowered.weights.keys()].filter((name) => !integers.has(name)));
  const floats: Node[] = [];
  const areRows = (inputs: readonly string[]): boolean =>
    inputs.some((input) => rows.has(input)) && inputs.every((input) => rows.has(input) || integers.has(input));
  for (const node of lowered.nodes.values()) {
    const { name, op } = node;
    const inputs = node.inputs.map(producerOf);
    const toFloat = givesFloats.has(op);
    const integer = op === 'Shape' || (op !== 'Cast' && inputs.every((input) => integers.has(input)));
    if ((op.startsWith('Cq') || integer) && !toFloat) integers.add(name);
    else if (isTable(lowered, node) || (!op.startsWith('Cq') && areRows(inputs))) rows.add(name);
    if (isOutput(lowered, name) || (!integers.has(name) && !toFloat)) floats.push(node);
  }
  const toOutputs = leadingToOutputs(lowered, floats);
  return floats.map(({ name, op }) => {
    if (isOutput(lowered, name)) return { value: name, reason: 'it is an output of the model' };
    if (rows.has(name)) return { value: name, reason: 'it is made of rows of tables, which have a scale each' };
    const reason = reasons.get(name);
    if (reason !== undefined) return { value: name, reason };
    if (toOutputs.has(name)) return { value: name, reason: 'nothing but outputs of the model depends on it' };
    return { value: name, reason: missing(annotated, name, op) };
  });
}

/** Whether a node gives rows of a table, or all of it. */
function isTable({ weights }: Graph, { op, inputs }: Node): boolean {
  return op === 'CqEmbedding' || op === 'CqWeight' || (op === 'CqDequantize' && weights.has(inputs[0]!));
}

/** Those of the floats that no integer node reads, be it through others. */
function leadingToOutputs(graph: Graph, floats: readonly Node[]): ReadonlySet<string> {
  const found = new Set<string>();
  const names = new Set(floats.map(({ name }) => name));
  for (const { name } of [...floats].reverse()) {
    const readers = consumersOf(graph, name);
    if (readers.every((reader) => names.has(reader.name) && (found.has(reader.name) || isOutput(graph, reader.name)))) {
      found.add(name);
    }
  }
  return found;
}

function missing(annotated: Graph, name: string, op: string): string {
  return fakeQuantizeOf(annotated, name) ? `no integer kernel computes ${op}` : 'it has no quantizer';
}
