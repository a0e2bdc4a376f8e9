import { blocks, CqError, edit, numberAttr, type Graph, type Node, type Weight } from '@cq/core';
import { widthsOf, type Place, type Width } from './widths.ts';

/** A width, how many units of equal size it has, and how many of them stay. */
interface Cut {
  readonly width: Width;
  readonly units: number;
  readonly kept: number;
}

/**
 * The graph with a narrower stream, and every width inside in proportion; heads stay as deep as they are.
 * @throws CqError if a size is not possible.
 */
export function narrow(graph: Graph, hidden: number | undefined, heads: number | undefined): Graph {
  const widths = widthsOf(graph);
  const all = blocks(graph);
  const stream = all[0] && widths.of(all[0].output);
  if (!stream) throw new CqError('student: hidden and heads need transformer blocks, got a model without');
  const size = hidden ?? stream.size;
  if (!Number.isInteger(size) || size < 1 || size > stream.size)
    throw new CqError(`student: hidden must be from 1 to ${stream.size}, got ${size}`);
  const ratio = size / stream.size;
  const attention = [...graph.nodes.values()].filter(({ op }) => op.startsWith('Attention'));
  const cuts = new Map<Width, Cut>([[stream, { width: stream, units: stream.size, kept: size }]]);
  const nodes: Node[] = [];
  for (const node of attention) {
    const own = numberAttr(node, 'heads');
    const kept = heads ?? Math.max(1, Math.round(own * ratio));
    if (!Number.isInteger(kept) || kept < 1 || kept > own)
      throw new CqError(`student: heads must be from 1 to ${own}, got ${kept}`);
    const width = widths.of(node.op === 'AttentionLogits' ? node.inputs[0]! : node.name);
    if (!width) throw new CqError(`student: "${node.name}" does not attend to what a layer makes`);
    cuts.set(width, { width, units: own, kept });
    nodes.push({ ...node, attrs: { ...node.attrs, heads: kept } });
  }
  for (const width of widths.all) {
    if (cuts.has(width) || width.fixed !== undefined) continue;
    cuts.set(width, { width, units: width.size, kept: Math.max(1, Math.round(width.size * ratio)) });
  }
  const weights = new Map<string, Weight>();
  const current = (name: string): Weight => weights.get(name) ?? graph.weights.get(name)!;
  for (const { width, units, kept } of cuts.values()) {
    if (kept === units) continue;
    if (width.fixed !== undefined)
      throw new CqError(`student: a width of ${width.size} must stay, since ${width.fixed} has it; leave hidden out`);
    const chosen = best(graph, width, units, kept);
    for (const place of width.places)
      weights.set(place.weight, taken(current(place.weight), place.axis, units, chosen));
    for (const { weight, index } of width.counts) {
      const counts = current(weight);
      const data = counts.data.slice();
      data[index] = (width.size / units) * kept;
      weights.set(weight, { ...counts, data });
    }
  }
  return edit(graph, { nodes, weights: weights.values() });
}

/** The units whose weights have the greatest sums of squares, each weight counted by its own, in their order. */
function best(graph: Graph, { places }: Width, units: number, kept: number): readonly number[] {
  const scores = new Float64Array(units);
  for (const place of places) {
    const own = energies(graph, place, units);
    const total = own.reduce((sum, value) => sum + value, 0);
    own.forEach((value, unit) => (scores[unit]! += value / (total || 1)));
  }
  return [...scores.keys()]
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, kept)
    .sort((a, b) => a - b);
}

function energies(graph: Graph, { weight, axis }: Place, units: number): Float64Array {
  const { shape, data } = graph.weights.get(weight)!;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const depth = shape[axis]! / units;
  const sums = new Float64Array(units);
  data.forEach((value, i) => (sums[Math.floor((Math.floor(i / inner) % shape[axis]!) / depth)]! += value ** 2));
  return sums;
}

/** A weight with some of the units along an axis. */
function taken(weight: Weight, axis: number, units: number, chosen: readonly number[]): Weight {
  const { shape, data } = weight;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const depth = shape[axis]! / units;
  const rows = chosen.flatMap((unit) => Array.from({ length: depth }, (_, i) => unit * depth + i));
  const outer = data.length / (shape[axis]! * inner);
  const picked = new Float32Array(outer * rows.length * inner);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const row of rows) {
      const from = (block * shape[axis]! + row) * inner;
      picked.set((data as Float32Array).subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { ...weight, shape: shape.map((size, i) => (i === axis ? rows.length : size)), data: picked };
}
