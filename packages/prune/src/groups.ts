import { blocks, type Graph, type Weight } from '@cq/core';
import { branches } from './branches.ts';
import { linearOf, type Linear } from './linear.ts';
import { indexAlong, isRefused, unitAlong, type Place, type Refused } from './width.ts';

/** What is kept or dropped as one. */
export type Structure = 'unstructured' | 'n:m' | 'block' | 'channel' | 'head';

/** A weight whose entries belong to units. */
export interface Part {
  readonly weight: string;
  readonly size: number;
  /** The unit of each entry, row-major. */
  readonly unitOf: (entry: number) => number;
}

/** Units of which some are dropped. */
export interface Group {
  readonly units: number;
  /** All that is dropped with a unit; the matrix first. */
  readonly parts: readonly [Part, ...Part[]];
  /** The layers that multiply by the matrix which says what a unit is worth: one, unless layers share it. */
  readonly layers: readonly [Linear, ...Linear[]];
}

/** The groups of a graph, or why there is none, by the names of the matrices: those by which a scope chooses. */
export function groupsOf(graph: Graph, structure: Structure, block: readonly [number, number], everywhere: boolean) {
  const found = new Map<string, Group | Refused>();
  if (structure === 'channel' || structure === 'head') {
    const kind = structure === 'head' ? 'attention' : 'feed-forward';
    for (const { reader, width, ...branch } of branches(graph)) {
      if (branch.kind !== kind) continue;
      const { name } = reader.weight;
      if (isRefused(width)) {
        found.set(name, width);
        continue;
      }
      const [rows, ...makers] = [width.reader, ...width.makers].map((place) => partOf(place, width.units));
      found.set(name, { units: width.units, parts: [rows!, ...makers], layers: [reader] });
    }
    return found;
  }
  for (const [name, layers] of matrices(graph, everywhere)) {
    const { weight, outputAxis } = layers[0];
    const { units, unitOf } = structure === 'block' ? tiles(weight, outputAxis, block) : entries(weight);
    found.set(name, { units, parts: [{ weight: name, size: weight.data.length, unitOf }], layers });
  }
  return found;
}

/** The layers that multiply by each matrix: those of transformer blocks, or all. */
function matrices(graph: Graph, everywhere: boolean): ReadonlyMap<string, readonly [Linear, ...Linear[]]> {
  const found = new Map<string, [Linear, ...Linear[]]>();
  const inside = new Set(blocks(graph).flatMap(({ nodes }) => nodes));
  for (const node of graph.nodes.values()) {
    const linear = everywhere || inside.has(node.name) ? linearOf(graph, node) : undefined;
    if (!linear) continue;
    const layers = found.get(linear.weight.name);
    if (layers) layers.push(linear);
    else found.set(linear.weight.name, [linear]);
  }
  return found;
}

function partOf(place: Place, units: number): Part {
  const size = place.shape.reduce((product, length) => product * length, 1);
  return { weight: place.weight, size, unitOf: unitAlong(place, units) };
}

const entries = ({ data }: Weight) => ({ units: data.length, unitOf: (entry: number): number => entry });

/** Tiles of outputs × inputs; those at the far edges may be cut off. */
function tiles({ shape }: Weight, outputAxis: 0 | 1, [tall, wide]: readonly [outputs: number, inputs: number]) {
  const [output, input] = [indexAlong(shape, outputAxis), indexAlong(shape, 1 - outputAxis)];
  const [down, across] = [Math.ceil(shape[outputAxis]! / tall), Math.ceil(shape[1 - outputAxis]! / wide)];
  const unitOf = (entry: number): number => ((output(entry) / tall) | 0) * across + ((input(entry) / wide) | 0);
  return { units: down * across, unitOf };
}
