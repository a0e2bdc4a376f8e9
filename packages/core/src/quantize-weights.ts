import { maskedData, quantizerOf, tipOf, withFakeQuantize } from './annotations.ts';
import { consumersOf, type Graph, type Node, type Weight } from './graph.ts';
import { firstRowsOf, weightOf } from './match.ts';
import { definePass, type PassContext } from './pass.ts';
import { symmetric, type UniformQuantizer } from './quantizer.ts';
import { rangeMethods, weightMax, type RangeMethod } from './ranges.ts';
import { select, type Scope } from './select.ts';

/** How weights become codes. */
export interface WeightCodes {
  /** 2 to 8: symmetric. */
  readonly bits: number;
  /** How the clip of the values that share a scale is chosen. */
  readonly range: RangeMethod;
  /** So many consecutive inputs share a scale; 0: all inputs of an output do. */
  readonly group: number;
}

/** Codes of weights, and which weights. */
export type QuantizeWeightsOptions = WeightCodes & Scope;

/**
 * Weights alone, in need of no data: activations stay float. Of matrices one scale per output, of tables one per row, or
 * one for each `group` of their entries.
 */
export const quantizeWeights = definePass<QuantizeWeightsOptions>({
  name: 'quantize-weights',
  defaults: { bits: 8, range: 'min-max', group: 0 },
  needs: [],
  check({ bits, range, group }) {
    if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `bits must be 2 to 8, got ${bits}`;
    if (!rangeMethods.includes(range)) return `range must be one of ${rangeMethods.join(', ')}, got "${range}"`;
    if (!Number.isInteger(group) || group < 0 || group % 2 !== 0) {
      return `group must be an even number of inputs, or 0 for all of them, got ${group}`;
    }
    return true;
  },
  run(graph, options, context) {
    const weights = quantizableWeights(graph);
    const selected = new Set(select('quantize-weights', weights, options));
    return annotateWeights(graph, weights, selected, options, context);
  },
});

/** What can become codes, in network order: right operands of matrix products, and tables that rows are taken from. */
export function quantizableWeights(graph: Graph): string[] {
  const names = new Set<string>();
  for (const node of graph.nodes.values()) {
    const operand = node.op === 'MatMul' ? node.inputs[1] : takesRows(graph, node) ? node.inputs[0] : undefined;
    const weight = weightOf(graph, operand);
    if (weight?.shape.length === 2 && weight.dtype === 'float32') names.add(weight.name);
  }
  return [...names];
}

/** Whether a node looks rows of a table up, or takes the first of them. */
const takesRows = (graph: Graph, node: Node): boolean =>
  node.op === 'GatherV2' || firstRowsOf(graph, node) !== undefined;

/** A quantizer on every selected weight that has none; says so. */
export function annotateWeights(
  graph: Graph,
  weights: readonly string[],
  selected: ReadonlySet<string>,
  codes: WeightCodes,
  { changed, skipped, progress, signal }: PassContext,
): Graph {
  for (const [done, name] of weights.entries()) {
    signal.throwIfAborted();
    if (!selected.has(name)) skipped(name, 'outside the scope');
    else if (quantizerOf(graph, name)) skipped(name, 'quantized already');
    else {
      const quantizer = weightQuantizer(graph, graph.weights.get(name)!, codes);
      graph = withFakeQuantize(graph, name, quantizer);
      changed(name, { role: 'weight', bits: codes.bits, scales: quantizer.scale.length });
    }
    progress(done + 1, weights.length);
  }
  return graph;
}

/** One scale for each output of a matrix product, or row of a table, or for each group; of the masked weight. */
function weightQuantizer(graph: Graph, weight: Weight, { bits, range, group }: WeightCodes): UniformQuantizer {
  const data = maskedData(graph, weight);
  const [rows, columns] = weight.shape as [number, number];
  const axis = liesByRow(graph, weight) ? 0 : 1;
  const [channels, entries] = axis === 0 ? [rows, columns] : [columns, rows];
  const share = group === 0 ? entries : Math.min(group, entries);
  const clips: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    for (let first = 0; first < entries; first += share) {
      const shared = new Float32Array(Math.min(share, entries - first));
      for (let i = 0; i < shared.length; i++) {
        const k = first + i;
        shared[i] = data[axis === 0 ? channel * columns + k : k * columns + channel]!;
      }
      clips.push(weightMax(shared, range, bits));
    }
  }
  const quantizer = symmetric(bits, clips, axis);
  return share === entries ? quantizer : { ...quantizer, group: share };
}

/** Whether the outputs of a weight, or the rows of a table, lie one after the other. */
function liesByRow(graph: Graph, { name }: Weight): boolean {
  return consumersOf(graph, tipOf(graph, name)).some(
    (node) => takesRows(graph, node) || (node.op === 'MatMul' && node.attrs['transpose_b'] === true),
  );
}
