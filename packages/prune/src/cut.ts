import { edit, quantizerOf, withFakeQuantize, withMask, type Graph, type Node, type Quantizer } from '@cq/core';
import { bare } from './bare.ts';
import { keepOf } from './remask.ts';
import { unitAlong, type Place, type Refused, type Width } from './width.ts';

/**
 * The graph without some units of a width: smaller weights with their masks and scales, fewer heads. What is left
 * computes what it did. A mask that drops nothing any more goes.
 * @returns the reason where a unit and its neighbour share a scale.
 */
export function cutUnits(graph: Graph, width: Width, keep: (unit: number) => boolean): Graph | Refused {
  const { units, makers, reader, constants, values, attention } = width;
  const places = [...makers, reader, ...constants];
  const shared = places.find((place) => sharesScales(quantizerOf(graph, place.weight), place, units));
  if (shared) return { reason: `groups of "${shared.weight}" that share a scale do not end where its units do` };
  for (const place of places) graph = cutPlace(graph, place, units, keep);
  for (const value of values) {
    const quantizer = quantizerOf(graph, value);
    const cut = quantizer && cutScales(quantizer, units, keep);
    if (cut && cut !== quantizer) graph = withFakeQuantize(bare(graph, value), value, cut);
  }
  const heads = Array.from({ length: units }, (_, unit) => keep(unit)).filter(Boolean).length;
  const nodes = attention.map((name): Node => {
    const node = graph.nodes.get(name)!;
    return { ...node, attrs: { ...node.attrs, heads } };
  });
  return edit(graph, { nodes });
}

function cutPlace(graph: Graph, place: Place, units: number, keep: (unit: number) => boolean): Graph {
  const weight = graph.weights.get(place.weight)!;
  const unitOf = unitAlong(place, units);
  const kept = (values: Float32Array): Float32Array => values.filter((_, entry) => keep(unitOf(entry)));
  const data = kept(weight.data as Float32Array);
  const sizes = weight.shape.map((size, i) => (i === place.axis ? (size * data.length) / weight.data.length : size));
  const [mask, quantizer] = [keepOf(graph, weight.name), quantizerOf(graph, weight.name)];
  graph = edit(bare(graph, weight.name), { weights: [{ ...weight, data, shape: sizes }] });
  const left = mask && kept(mask);
  if (left?.some((value) => value !== 1)) graph = withMask(graph, weight.name, left);
  if (!quantizer) return graph;
  const along = axisOf(quantizer);
  if (along === place.axis) return withFakeQuantize(graph, weight.name, cutScales(quantizer, units, keep));
  const group = groupOf(quantizer);
  if (group === undefined) return withFakeQuantize(graph, weight.name, quantizer);
  const perUnit = place.shape[place.axis]! / units / group;
  return withFakeQuantize(graph, weight.name, cutScales(quantizer, units, keep, perUnit));
}

/** Whether scales belong to groups of entries along the axis to be cut, and a group reaches over the end of a unit. */
function sharesScales(quantizer: Quantizer | undefined, { shape, axis }: Place, units: number): boolean {
  const group = quantizer && groupOf(quantizer);
  return group !== undefined && axisOf(quantizer!) !== axis && (shape[axis]! / units) % group !== 0;
}

const axisOf = (quantizer: Quantizer): number | undefined => ('axis' in quantizer ? quantizer.axis : undefined);
const groupOf = (quantizer: Quantizer): number | undefined => ('group' in quantizer ? quantizer.group : undefined);

/** Without the scales of units that go; `perUnit` of them belong to each, one unit after the other, again and again. */
function cutScales(
  quantizer: Quantizer,
  units: number,
  keep: (unit: number) => boolean,
  perUnit = 'scale' in quantizer ? quantizer.scale.length / units : 1,
): Quantizer {
  if (!('scale' in quantizer) || quantizer.scale.length === 1) return quantizer;
  const kept = (index: number): boolean => keep(Math.floor(index / perUnit) % units);
  const scale = quantizer.scale.filter((_, index) => kept(index));
  if (!('zeroPoint' in quantizer)) return { ...quantizer, scale };
  return { ...quantizer, scale, zeroPoint: quantizer.zeroPoint.filter((_, index) => kept(index)) };
}
