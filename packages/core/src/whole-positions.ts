import { annotatedValue, quantizerOf } from './annotations.ts';
import { edit } from './edit.ts';
import { consumersOf, type Graph, type Weight } from './graph.ts';
import { constantOperand } from './match.ts';
import { roundHalfEven } from './runtime/arithmetic.ts';

/** Bits below which half a step would be felt. */
const FINE_BITS = 16;

/**
 * The table that a sum adds to every example, moved to whole steps of the sum's codes where these are so fine that half a step
 * is nothing: its numbers are integers then, and take half the bytes. [rows, channels] or [1, rows, channels]
 * @param value The sum.
 * @param bits What the table's numbers are to take: with fewer than the sum has they move to multiples of 2, 4, 8, … steps.
 */
export function wholePositions(
  graph: Graph,
  value: string,
  bits = FINE_BITS,
): { graph: Graph; table: Weight } | undefined {
  const sum = graph.nodes.get(annotatedValue(graph, value));
  const table = sum?.op === 'AddV2' ? constantOperand(graph, sum)?.weight : undefined;
  const quantizer = sum && quantizerOf(graph, sum.name);
  if (
    !table ||
    table.shape.length < 2 ||
    table.data.length === 0 ||
    quantizer?.kind !== 'uniform' ||
    quantizer.bits < FINE_BITS
  )
    return undefined;
  const [scale, ...others] = quantizer.scale;
  if (others.length > 0 || consumersOf(graph, table.name).length !== 1 || quantizerOf(graph, table.name))
    return undefined;
  const positions = table.data as Float32Array;
  const span = (positions.reduce((a, b) => (b > a ? b : a)) - positions.reduce((a, b) => (b < a ? b : a))) / scale!;
  let steps = 1;
  while (span / steps > 2 ** bits - 2) steps *= 2;
  const data = positions.map((position) => roundHalfEven(position / scale! / steps) * steps * scale!);
  return { graph: edit(graph, { weights: [{ ...table, data }] }), table };
}
