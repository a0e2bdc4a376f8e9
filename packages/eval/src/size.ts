import { weightBytes, type Graph, type Node } from '@cq/core';
import { loweredOps, rowBytes, type Attrs } from '@cq/core/runtime';

/** Numbers of a model, and their bytes. */
export interface Size {
  /** Floats and codes. Not counted are shapes, indices and other int32, masks, and the activation tables of lowered nodes. */
  readonly parameters: number;
  /** Bytes of all weights as stored. */
  readonly bytes: number;
}

/** How many numbers a model has, and how many bytes they take. */
export function sizeOfModel(graph: Graph): Size {
  const codes = new Map([...graph.nodes.values()].flatMap((node) => codesOf(graph, node)));
  let parameters = 0;
  for (const { name, dtype, data } of graph.weights.values()) {
    if (dtype !== 'int32') parameters += codes.get(name) ?? data.length;
  }
  return { parameters, bytes: weightBytes(graph) };
}

/** How many codes the constants of a lowered node hold, which is not how many bytes they have. */
function codesOf(graph: Graph, { op, inputs, attrs }: Node): [name: string, codes: number][] {
  const lowered = loweredOps.get(op);
  const operands = lowered?.inputs.filter((name) => lowered.present?.(name, attrs as Attrs) ?? true) ?? [];
  return operands.flatMap((operand, i) => {
    const weight = graph.weights.get(inputs[i] ?? '');
    const count = weight?.dtype === 'bool' ? codesIn(operand, weight.data.length, attrs as Attrs) : undefined;
    return count === undefined ? [] : [[weight!.name, count]];
  });
}

function codesIn(operand: string, bytes: number, attrs: Attrs): number | undefined {
  const { outputs, inputs, bits, columns, channels = columns } = attrs as Readonly<Record<string, number>>;
  if (operand === 'w') return outputs! * inputs!;
  if (operand === 'visible') return 0;
  if (operand !== 'table' && operand !== 'codes') return undefined;
  return channels === undefined ? 0 : (bytes / rowBytes(channels, bits!)) * channels;
}
