import { maskedData, type Graph, type Quantizer } from '@cq/core';
import { eachRun } from '@cq/core/runtime';

/** A weight in units of its scales. */
export interface WeightHistogram {
  readonly value: string;
  readonly bits: number;
  /** Where the first bin begins, and how wide each is. */
  readonly from: number;
  readonly width: number;
  readonly counts: readonly number[];
  /** What the codes stand for. */
  readonly levels: readonly number[];
}

const BINS = 60;

/** Of a weight with uniform codes. */
export function histogramOf(graph: Graph, name: string, quantizer: Quantizer): WeightHistogram {
  if (quantizer.kind !== 'uniform') throw new TypeError(quantizer.kind);
  const weight = graph.weights.get(name)!;
  const data = maskedData(graph, weight);
  const { bits, signed, scale, zeroPoint } = quantizer;
  const first = signed ? -(2 ** (bits - 1)) : 0;
  const offset = zeroPoint[0]!;
  const levels = Array.from({ length: 2 ** bits }, (_, code) => code + first - offset);
  const [from, to] = [levels[0]! - 0.5, levels.at(-1)! + 0.5];
  const width = (to - from) / BINS;
  const counts = new Array<number>(BINS).fill(0);
  eachRun(weight.shape, quantizer, (index, start, end) => {
    for (let i = start; i < end; i++) {
      const bin = Math.floor((data[i]! / scale[index]! - from) / width);
      counts[Math.min(BINS - 1, Math.max(0, bin))]!++;
    }
  });
  return { value: name, bits, from, width, counts, levels };
}
