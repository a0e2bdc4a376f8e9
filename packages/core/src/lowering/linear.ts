import { fakeQuantizeOf, readQuantizer } from '../annotations.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import { constantOperand, onlyFeeds } from '../match.ts';
import { quantizers } from '../quantizer.ts';
import { tabulated } from '../roles.ts';
import type { LinearAttrs } from '../runtime/linear.ts';
import { accumulatorAt, productConstants, weightAttrs, type Accumulator } from './accumulator.ts';
import { activations } from './activation.ts';
import {
  codesAt,
  codeScale,
  constant,
  isUnmatched,
  unmatched,
  type CodeScale,
  type Lowered,
  type Rule,
} from './rule.ts';
import { shiftLinear, shiftLinearWithResidual, shiftLinearWithTable, shiftSums } from './shift-linear.ts';

/** What a plain linear layer has in the attributes of the other forms. */
const plain = {
  tableBits: 0,
  tableZeroPoint: 0,
  tableScale: 1,
  residual: false,
  residualMultiplier: 0,
  residualZeroPoint: 0,
  residualScale: 1,
  activation: 'none',
} satisfies Partial<LinearAttrs>;

/** Attributes of the plain form; the others put theirs over them. */
function linearAttrs(product: Accumulator, output: CodeScale) {
  const { bits, zeroPoint, scale: outputScale } = output;
  return { ...weightAttrs(product), ...plain, bits, zeroPoint, outputScale };
}

/**
 * quantized x ─► MatMul ─► BiasAdd ─► quantize                              becomes     CqLinear
 * quantized w ─┘
 */
export const linear: Rule = (graph, quantize) => {
  const product = accumulatorAt(graph, quantize.inputs[0]!);
  if (!product || isUnmatched(product)) return product;
  const shifts = shiftLinear(product, readQuantizer(graph, quantize));
  if (shifts) return shifts;
  const output = outputScale(graph, quantize);
  if (!output) return unmatched('its output has a scale per channel');
  return {
    op: 'CqLinear',
    inputs: [product.x, ...productConstants(product, output.scale)],
    attrs: linearAttrs(product, output),
    swallows: product.nodes,
  };
};

/**
 * x ─► MatMul ─► BiasAdd ─► quantize (index) ─► Gelu ─► quantize            becomes     CqLinear with a table
 *
 * A Mul behind the Gelu, by factors that outputs side by side have in common, as balanced channels have it, makes a table
 * of each factor.
 */
export const linearWithTable: Rule = (graph, quantize) => {
  const last = graph.nodes.get(quantize.inputs[0]!);
  const factor = last?.op === 'Mul' ? constantOperand(graph, last) : undefined;
  const activation = factor ? graph.nodes.get(factor.value) : last;
  if (!last || !activation || !tabulated.has(activation.op)) return undefined;
  if (factor && !onlyFeeds(graph, activation.name, last)) return unmatched('its activation is read by other nodes too');
  const index = fakeQuantizeOf(graph, activation.inputs[0]!);
  const indexScale = index && codeScale(readQuantizer(graph, index));
  const output = outputScale(graph, quantize);
  if (!index || !indexScale) return unmatched('its input has no quantizer to look it up by');
  if (!onlyFeeds(graph, index.name, activation)) return unmatched('its input is read by other nodes too');
  if (indexScale.bits < 8 || indexScale.bits > 12)
    return unmatched(`its input has ${indexScale.bits} bits, tables take 8 to 12`);
  if (!output || output.bits > 8) return unmatched('its output has no 8-bit quantizer with one scale');
  const product = accumulatorAt(graph, index.inputs[0]!);
  if (!product) return unmatched('its input is not a linear layer');
  if (isUnmatched(product)) return product;
  const kind = activationName(activation);
  const factors = factor ? sharedFactors(factor.weight, product.weight.outputs) : [1];
  if (!factors) return unmatched('its factors are not those of 8, 16, … outputs side by side');
  const tables = factors.map((by) => activationTable(kind, indexScale, output, by));
  const within = factor ? [index.name, activation.name, last.name] : [index.name, activation.name];
  const shifts = factor ? undefined : shiftLinearWithTable(product, indexScale, tables[0]!, kind, output, within);
  if (shifts) return shifts;
  const table = Uint8Array.from(tables.flatMap((own) => [...own]));
  return {
    op: 'CqLinear',
    inputs: [product.x, ...productConstants(product, indexScale.scale), constant('table', table)],
    attrs: {
      ...linearAttrs(product, output),
      tableBits: indexScale.bits,
      tableZeroPoint: indexScale.zeroPoint,
      tableScale: indexScale.scale,
      activation: kind,
    },
    swallows: [...product.nodes, ...within],
  };
};

/**
 * x ─► MatMul ─► BiasAdd ─► AddV2 ─► quantize                               becomes     CqLinear with a residual
 *          quantized residual ─┘
 */
export const linearWithResidual: Rule = (graph, quantize) => {
  const sum = graph.nodes.get(quantize.inputs[0]!);
  if (sum?.op !== 'AddV2') return undefined;
  const output = outputScale(graph, quantize);
  let reason = 'neither of its operands is a linear layer';
  for (const [branch, other] of [sum.inputs, [...sum.inputs].reverse()] as [string, string][]) {
    const product = accumulatorAt(graph, branch);
    if (!product) continue;
    if (isUnmatched(product)) {
      ({ reason } = product);
      continue;
    }
    const codes = codesAt(graph, other);
    const residual = codeScale(codes);
    if (!onlyFeeds(graph, branch, sum)) reason = 'its branch is read by other nodes too';
    else if (!codes) reason = 'its other operand has no quantizer';
    else {
      const shifts = shiftLinearWithResidual(product, other, codes, readQuantizer(graph, quantize), [sum.name]);
      if (shifts) return shifts;
      if (output && residual) return withResidual(product, other, residual, output, sum);
      reason = 'it is a sum of values with a scale per channel';
    }
  }
  return unmatched(reason);
};

function withResidual(product: Accumulator, other: string, residual: CodeScale, output: CodeScale, sum: Node): Lowered {
  return {
    op: 'CqLinear',
    inputs: [product.x, ...productConstants(product, output.scale), other],
    attrs: {
      ...linearAttrs(product, output),
      residual: true,
      residualMultiplier: residual.scale / output.scale,
      residualZeroPoint: residual.zeroPoint,
      residualScale: residual.scale,
    },
    swallows: [...product.nodes, sum.name],
  };
}

/** A linear layer whose output nothing quantizes: raw accumulators, and the scale per output that makes them float. */
export function linearToFloat(product: Accumulator): { sums: Lowered; scales: Float32Array } {
  const shifts = shiftSums(product);
  if (shifts) return shifts;
  const [weight, bias, multiplier] = productConstants(product, 1);
  return {
    sums: {
      op: 'CqLinear',
      inputs: [product.x, weight!, bias!, multiplier!],
      attrs: linearAttrs(product, { bits: 32, zeroPoint: 0, scale: 1 }),
      swallows: product.nodes,
    },
    scales: multiplier!.data as Float32Array,
  };
}

function outputScale(graph: Graph, quantize: Node): CodeScale | undefined {
  return codeScale(readQuantizer(graph, quantize));
}

export function activationName({ op, attrs }: Node): string {
  return op === 'Gelu' && attrs['approximate'] === true ? 'gelu_tanh' : op.toLowerCase();
}

/**
 * The factors of an activation's outputs, one for each of equal parts of 8, 16, … outputs, as few as can be; undefined if there are no
 * such parts.
 */
function sharedFactors({ data, shape }: Weight, outputs: number): readonly number[] | undefined {
  if (!(data instanceof Float32Array) || data.length !== (shape.at(-1) ?? 1)) return undefined;
  const [first] = data;
  if (data.every((by) => by === first)) return [first!];
  if (data.length !== outputs) return undefined;
  for (let tables = 2; 8 * tables <= outputs; tables++) {
    const each = outputs / tables;
    if (each % 8 === 0 && data.every((by, n) => by === data[n - (n % each)]))
      return Array.from({ length: tables }, (_, t) => data[t * each]!);
  }
  return undefined;
}

/** table[i] = the code of f(value of index code i) · factor, as stored bytes. */
function activationTable(
  kind: string,
  { bits, scale, zeroPoint }: CodeScale,
  output: CodeScale,
  factor: number,
): Uint8Array {
  const f = activations[kind]!;
  const low = -(2 ** (bits - 1));
  const form = { kind: 'uniform', bits: output.bits, signed: true } as const;
  const [scales, zeroPoints] = [Float32Array.of(output.scale), Int32Array.of(output.zeroPoint)];
  const encodeOutput = quantizers.uniform.encoder({ ...form, scale: scales, zeroPoint: zeroPoints }, 0);
  return Uint8Array.from({ length: 2 ** bits }, (_, i) => {
    const x = Math.fround(Math.fround(low + i - zeroPoint) * scale);
    return encodeOutput(Math.fround(Math.fround(f(x)) * factor));
  });
}
