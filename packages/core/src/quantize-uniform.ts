import { maskedData, quantizerOf, tipOf, withFakeQuantize } from './annotations.ts';
import { consumersOf, type Graph, type Weight } from './graph.ts';
import { weightOf } from './match.ts';
import { observe } from './observe.ts';
import { definePass, type PassContext } from './pass.ts';
import { asymmetric, symmetric, unsigned, type Quantizer } from './quantizer.ts';
import { activationRange, rangeMethods, weightMax, type RangeMethod } from './ranges.ts';
import { roles, type Role } from './roles.ts';
import { select, type Scope } from './select.ts';
import { histogram, type Histogram } from './statistics.ts';

export interface QuantizeUniformOptions extends Scope {
  /** Bits of weight codes, 2 to 8: symmetric, one scale per output channel. */
  readonly weights: number;
  /** Bits of activation codes, 2 to 8: one scale per tensor. */
  readonly activations: number;
  /** How the range of an activation is chosen from its histogram. */
  readonly range: RangeMethod;
  /** How the clip of a weight channel is chosen. */
  readonly weightRange: RangeMethod;
}

/** Bits of the residual stream and of the input of an activation table, whatever `activations` is. */
const STREAM_BITS = 16;
const INDEX_BITS = 12;

/**
 * Static quantization with float scales: weights symmetric per output channel (tables per row), activations per tensor from calibration
 * data. Activations that meet a weight are asymmetric, since their zero point folds into the bias; queries, keys and
 * values are symmetric; the residual stream keeps 16 bits, because a few of its channels are far larger than the rest.
 */
export const quantizeUniform = definePass<QuantizeUniformOptions>({
  name: 'quantize-uniform',
  defaults: { weights: 8, activations: 8, range: 'percentile', weightRange: 'min-max' },
  needs: ['calibration'],
  check({ weights, activations, range, weightRange }) {
    for (const [name, bits] of Object.entries({ weights, activations })) {
      if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `${name} must be 2 to 8 bits, got ${bits}`;
    }
    for (const [name, method] of Object.entries({ range, weightRange })) {
      if (!rangeMethods.includes(method)) return `${name} must be one of ${rangeMethods.join(', ')}, got "${method}"`;
    }
    return true;
  },

  async run(graph, options, context) {
    const weights = quantizableWeights(graph);
    const activationRoles = roles(graph, (weight) => weights.includes(weight));
    const selected = new Set(select('quantize-uniform', [...weights, ...activationRoles.keys()], options));

    for (const name of weights) {
      if (!selected.has(name)) context.skipped(name, 'outside the scope');
      else if (quantizerOf(graph, name)) context.skipped(name, 'quantized already');
      else graph = quantizeWeight(graph, graph.weights.get(name)!, options, context);
    }

    // Only what a quantized weight, or another integer kernel, will read.
    const chosen: [value: string, role: Role][] = [];
    for (const [value, role] of roles(graph, () => false)) {
      if (!selected.has(value)) context.skipped(value, 'outside the scope');
      else if (quantizerOf(graph, value)) context.skipped(value, 'quantized already');
      else chosen.push([value, role]);
    }
    if (chosen.length === 0) return graph;
    const names = chosen.map(([value]) => value);
    const seen = await observe(graph, names, histogram(), context.data.calibration!, context);
    for (const [value, role] of chosen) {
      const quantizer = activationQuantizer(seen.get(value)!, role, options);
      graph = withFakeQuantize(graph, value, quantizer);
      const [scale, zeroPoint] = [quantizer.scale[0], quantizer.zeroPoint[0]];
      context.changed(value, { role, bits: quantizer.bits, scale, zeroPoint });
    }
    return graph;
  },
});

/** What a pass can make bytes of, in network order: right operands of matrix products, and tables that rows are taken from. */
function quantizableWeights(graph: Graph): string[] {
  const names = new Set<string>();
  for (const { op, inputs } of graph.nodes.values()) {
    const weight = weightOf(graph, op === 'MatMul' ? inputs[1] : op === 'GatherV2' ? inputs[0] : undefined);
    if (weight?.shape.length === 2 && weight.dtype === 'float32') names.add(weight.name);
  }
  return [...names];
}

/** One scale for each output of a matrix product, [inputs, outputs] or transposed, or for each row of a table. */
function quantizeWeight(graph: Graph, weight: Weight, options: QuantizeUniformOptions, context: PassContext): Graph {
  const { name, shape } = weight;
  const data = maskedData(graph, weight);
  const [rows, columns] = shape as [number, number];
  const axis = liesByRow(graph, name) ? 0 : 1;
  const channel = new Float32Array(axis === 0 ? columns : rows);
  const clips = Float64Array.from({ length: shape[axis]! }, (_, n) => {
    for (let k = 0; k < channel.length; k++) channel[k] = data[axis === 0 ? n * columns + k : k * columns + n]!;
    return weightMax(channel, options.weightRange, options.weights);
  });
  context.changed(name, { role: 'weight', bits: options.weights, scales: clips.length });
  return withFakeQuantize(graph, name, symmetric(options.weights, clips, axis));
}

function liesByRow(graph: Graph, weight: string): boolean {
  return consumersOf(graph, tipOf(graph, weight)).some(
    ({ op, attrs }) => op === 'GatherV2' || (op === 'MatMul' && attrs['transpose_b'] === true),
  );
}

function activationQuantizer(seen: Histogram, role: Role, { activations, range }: QuantizeUniformOptions): Quantizer {
  if (role === 'stream' || role === 'index') {
    return symmetric(role === 'stream' ? STREAM_BITS : INDEX_BITS, [Math.max(-seen.min, seen.max)]);
  }
  const { low, high } = activationRange(seen, range, activations);
  if (role === 'probability') return unsigned(activations, high);
  return role === 'operand' ? asymmetric(activations, low, high) : symmetric(activations, [Math.max(-low, high)]);
}
