import { annotatedValue, weightOf, type Graph } from '@cq/core';
import { isOwn, linearAt, readersOf, type Linear } from './linear.ts';
import { placeOf, unevenScales, type Place, type Refused, type Width } from './width.ts';

/** Ops that treat every channel alone and alike. */
const channelwise: ReadonlySet<string> = new Set([
  ...['Gelu', 'Relu', 'Relu6', 'LeakyRelu', 'Elu', 'Tanh', 'Sigmoid', 'Mul', 'AddV2'],
]);

/**
 * The channels between the layers of an MLP, gated or not:
 *
 *     x ─► MatMul, BiasAdd ─► Gelu, … ─► reader
 *
 * @returns the reason where something else could tell the channels apart, or reads them too.
 */
export function mlpWidth(graph: Graph, reader: Linear): Width | Refused {
  const rows = placeOf(reader.weight, 1 - reader.outputAxis);
  const units = reader.weight.shape[rows.axis]!;
  const makers: Place[] = [];
  const constants: Place[] = [];
  const values = new Set<string>();
  const own: (readonly [weight: string, by: string])[] = [[reader.weight.name, reader.product.name]];
  const stack = [reader.product.inputs[0]!];
  while (stack.length > 0) {
    const value = annotatedValue(graph, stack.pop()!);
    if (values.has(value)) continue;
    values.add(value);
    const layer = linearAt(graph, value);
    if (layer) {
      const { product, weight, outputAxis, bias } = layer;
      values.add(product.name);
      makers.push(placeOf(weight, outputAxis));
      own.push([weight.name, product.name]);
      if (!bias) continue;
      makers.push(placeOf(bias, bias.shape.length - 1));
      own.push([bias.name, value]);
      continue;
    }
    const node = graph.nodes.get(value);
    if (!node || !channelwise.has(node.op)) return { reason: `"${value}" stands between its layers` };
    for (const input of node.inputs) {
      const weight = weightOf(graph, input);
      if (!weight) stack.push(input);
      else if (weight.shape.at(-1) === units && units > 1) {
        constants.push(placeOf(weight, weight.shape.length - 1));
        own.push([weight.name, value]);
      } else if (weight.data.length !== 1) return { reason: `"${weight.name}" stands between its layers` };
    }
  }
  const odd = makers.find(({ shape, axis }) => shape[axis] !== units);
  if (odd) return { reason: `"${odd.weight}" does not make all of its ${units} channels` };
  const inside = new Set([...values, reader.product.name]);
  const shared =
    [...values].find((value) => !readersOf(graph, value)?.every(({ name }) => inside.has(name))) ??
    own.find(([weight, by]) => !isOwn(graph, weight, by))?.[0];
  if (shared !== undefined) return { reason: `"${shared}" has other readers` };
  const uneven = unevenScales(graph, [...values], units);
  if (uneven !== undefined) return { reason: `"${uneven}" has scales that are not by channel` };
  return { units, makers, reader: rows, constants, values: [...values], attention: [] };
}
