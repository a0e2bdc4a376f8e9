import { quantizerOf, withFakeQuantize } from './annotations.ts';
import { observe } from './observe.ts';
import { definePass } from './pass.ts';
import { annotateWeights, quantizableWeights } from './quantize-weights.ts';
import { asymmetric, symmetric, unsigned, type UniformQuantizer } from './quantizer.ts';
import { activationRange, rangeMethods, type RangeMethod } from './ranges.ts';
import { roles, type Role } from './roles.ts';
import { select, type Scope } from './select.ts';
import { histogram, type Histogram } from './statistics.ts';
import { wholePositions } from './whole-positions.ts';

/** Codes of weights and activations, how their ranges are found, and which values. */
export interface QuantizeUniformOptions extends Scope {
  /** Bits of weight codes, 2 to 8: symmetric, one scale per output channel. */
  readonly weights: number;
  /** Bits of activation codes, 2 to 8: one scale per tensor. */
  readonly activations: number;
  /** Bits of the input of an activation table, 8 to 12: fewer make the table smaller. */
  readonly index: number;
  /** Bits of the position table that a vision model adds, 8 to 16. */
  readonly positions: number;
  /** How the range of an activation is chosen from its histogram. */
  readonly range: RangeMethod;
  /** How the clip of a weight channel is chosen. */
  readonly weightRange: RangeMethod;
}

/** Bits of the residual stream, whatever `activations` is. */
const STREAM_BITS = 16;

/**
 * Static quantization with float scales: weights symmetric per output channel (tables per row), activations per tensor from calibration
 * data. Activations that meet a weight are asymmetric, since their zero point folds into the bias; queries, keys and
 * values are symmetric; the residual stream keeps 16 bits, because a few of its channels are far larger than the rest.
 */
export const quantizeUniform = definePass<QuantizeUniformOptions>({
  name: 'quantize-uniform',
  defaults: { weights: 8, activations: 8, index: 12, positions: 16, range: 'percentile', weightRange: 'min-max' },
  needs: ['calibration'],
  check({ weights, activations, index, positions, range, weightRange }) {
    for (const [name, bits] of Object.entries({ weights, activations })) {
      if (!Number.isInteger(bits) || bits < 2 || bits > 8) return `${name} must be 2 to 8 bits, got ${bits}`;
    }
    if (!Number.isInteger(index) || index < 8 || index > 12) return `index must be 8 to 12 bits, got ${index}`;
    if (!Number.isInteger(positions) || positions < 8 || positions > 16)
      return `positions must be 8 to 16 bits, got ${positions}`;
    for (const [name, method] of Object.entries({ range, weightRange })) {
      if (!rangeMethods.includes(method)) return `${name} must be one of ${rangeMethods.join(', ')}, got "${method}"`;
    }
    return true;
  },

  async run(graph, options, context) {
    const weights = quantizableWeights(graph);
    const activationRoles = roles(graph, (weight) => weights.includes(weight));
    const selected = new Set(select('quantize-uniform', [...weights, ...activationRoles.keys()], options));

    const codes = { bits: options.weights, range: options.weightRange, group: 0 };
    graph = annotateWeights(graph, weights, selected, codes, context);

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
      const whole = wholePositions(graph, value, options.positions);
      if (!whole) continue;
      graph = whole.graph;
      context.changed(whole.table.name, { role: 'positions', bits: options.positions, scale });
    }
    return graph;
  },
});

function activationQuantizer(
  seen: Histogram,
  role: Role,
  { activations, index, range }: QuantizeUniformOptions,
): UniformQuantizer {
  if (role === 'stream' || role === 'index') {
    return symmetric(role === 'stream' ? STREAM_BITS : index, [Math.max(-seen.min, seen.max)]);
  }
  const { low, high } = activationRange(seen, range, activations);
  if (role === 'probability') return unsigned(activations, high);
  return role === 'operand' ? asymmetric(activations, low, high) : symmetric(activations, [Math.max(-low, high)]);
}
