import { quantizerOf, type Graph, type Weight } from '@cq/core';

/** Where a width lies in a weight: along an axis, in as many equal parts as it has units. */
export interface Place {
  readonly weight: string;
  readonly shape: readonly number[];
  readonly axis: number;
}

export const placeOf = ({ name, shape }: Weight, axis: number): Place => ({ weight: name, shape, axis });

/**
 * A width inside a branch, in units that can be left out without the rest of the model noticing: the channels of an
 * MLP, the heads of an attention.
 */
export interface Width {
  readonly units: number;
  /** The columns, and entries of biases, that make a unit: all that it depends on. */
  readonly makers: readonly Place[];
  /** The rows through which alone the rest of the model learns of it. */
  readonly reader: Place;
  /** Constants in between with entries for every unit. */
  readonly constants: readonly Place[];
  /** Values in between. A quantizer on them may have scales for every unit. */
  readonly values: readonly string[];
  /** Nodes whose attribute `heads` is the number of units. */
  readonly attention: readonly string[];
}

/** Why there is no such width. */
export interface Refused {
  readonly reason: string;
}

export const isRefused = (found: object): found is Refused => 'reason' in found;

/** Which index along an axis each entry of a tensor has, row-major. */
export function indexAlong(shape: readonly number[], axis: number): (entry: number) => number {
  const size = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  return (entry) => ((entry / inner) | 0) % size;
}

/** The unit that each entry of a place belongs to. */
export function unitAlong({ shape, axis }: Place, units: number): (entry: number) => number {
  const index = indexAlong(shape, axis);
  const depth = shape[axis]! / units;
  return (entry) => (index(entry) / depth) | 0;
}

/** A value whose quantizer has several scales that do not divide among the units. */
export function unevenScales(graph: Graph, values: readonly string[], units: number): string | undefined {
  return values.find((value) => {
    const quantizer = quantizerOf(graph, value);
    const scales = quantizer && 'scale' in quantizer ? quantizer.scale.length : 1;
    return scales > 1 && scales % units !== 0;
  });
}
