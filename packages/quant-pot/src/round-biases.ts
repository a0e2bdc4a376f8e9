import {
  changeWeight,
  consumersOf,
  constantOperand,
  CqError,
  maskOf,
  originOf,
  quantizerOf,
  weightOf,
  type Graph,
  type Node,
} from '@cq/core';

/**
 * Puts what is added to a quantized product on multiples of the accumulator's unit, input scale · weight scale, where the
 * integer model has it: its bias, and the positions behind it.
 *
 *     MatMul ──► BiasAdd ──► Pad ──► AddV2 (positions)
 *
 * @throws CqError if one does not fit in int32.
 */
export function roundBiases(graph: Graph, product: string): Graph {
  const { inputs } = graph.nodes.get(product)!;
  const input = quantizerOf(graph, originOf(graph, inputs[0]!).source);
  const weight = quantizerOf(graph, weightOf(graph, inputs[1])!.name);
  if (input?.kind !== 'uniform' || weight?.kind !== 'uniform' || input.scale.length > 1) return graph;
  const units = weight.scale.map((scale) => scale * input.scale[0]!);
  for (let node = onlyReader(graph, product); node; node = onlyReader(graph, node.name)) {
    if (node.op === 'Pad') continue;
    const operand = node.op === 'BiasAdd' || node.op === 'AddV2' ? constantOperand(graph, node) : undefined;
    if (!operand || quantizerOf(graph, operand.weight.name) || maskOf(graph, operand.weight.name)) break;
    const index = node.inputs.findIndex((name) => weightOf(graph, name) === operand.weight);
    const outputs = operand.weight.shape.at(-1)!;
    if (units.length > 1 && units.length !== outputs) break;
    const { name } = operand.weight;
    graph = changeWeight(graph, node, index, ({ data }) =>
      Float32Array.from(data, (value, i) => onUnit(name, value, units[units.length === 1 ? 0 : i % outputs]!)),
    );
  }
  return graph;
}

const MOST = 2 ** 31 - 1;

function onUnit(name: string, value: number, unit: number): number {
  const units = value / unit;
  if (Math.abs(units) > MOST) {
    throw new CqError(
      `quantize-pot: "${name}": must fit in int32 in units of its product's scale ${unit}, got ${units}`,
    );
  }
  return (units + MAGIC - MAGIC) * unit;
}

/** Half to even. */
const MAGIC = 1.5 * 2 ** 52;

function onlyReader(graph: Graph, value: string): Node | undefined {
  const readers = consumersOf(graph, value);
  return readers.length === 1 ? readers[0] : undefined;
}
