import type { Quantizer } from '../quantizer.ts';
import { roundHalfEven } from '../runtime/arithmetic.ts';
import type { ShiftLinearAttrs } from '../runtime/shift-linear.ts';
import { toPanels, storedBits } from '../runtime/panel.ts';
import { weightAttrs, type Accumulator } from './accumulator.ts';
import { exponentCodes, exponentOf, exponentsOf, perChannel, type ExponentCodes } from './exponents.ts';
import { constant, type CodeScale, type Lowered } from './rule.ts';

/** A product of a power-of-two model: its constants, in units of 2^unit, and attributes. */
export interface ShiftProduct {
  readonly weight: Lowered['inputs'][number];
  readonly bias: Lowered['inputs'][number];
  /** Exponent of each output's accumulator. */
  readonly units: Int32Array;
  readonly attrs: Readonly<Record<string, number | string>>;
}

/** undefined unless input and weight are symmetric, with powers of two for scales, and the bias fits in int32. */
export function shiftProduct(product: Accumulator): ShiftProduct | undefined {
  const { input, weight, bias } = product;
  const { codes, inputs, outputs } = weight;
  const [inputExponent, exponents] = [exponentOf(input.scale), exponentsOf(weight.scales)];
  if (inputExponent === undefined || input.zeroPoint !== 0 || !exponents) return undefined;
  const units = exponents.map((exponent) => exponent + inputExponent);
  const biases = Float64Array.from(units, (unit, n) => roundHalfEven((bias?.[n] ?? 0) / 2 ** unit));
  if (biases.some((value) => Math.abs(value) >= 2 ** 31)) return undefined;
  const { inputScale: _, inputZeroPoint: __, ...attrs } = weightAttrs(product);
  return {
    weight: constant('weight', toPanels(codes, outputs, inputs, storedBits(weight.bits))),
    bias: constant('bias', Int32Array.from(biases)),
    units,
    attrs: { ...attrs, inputExponent },
  };
}

const plain = {
  ...{ tableBits: 0, residual: false, tableExponent: 0, activation: 'none' },
} satisfies Partial<ShiftLinearAttrs>;

/** CqShiftLinear without activation or residual; undefined where a scale is no power of two. */
export function shiftLinear(product: Accumulator, output: Quantizer): Lowered | undefined {
  return shifted(product, exponentCodes(output), [], {}, []);
}

/** With an activation whose table is indexed by codes of `index`. */
export function shiftLinearWithTable(
  product: Accumulator,
  index: CodeScale,
  table: Uint8Array,
  activation: string,
  output: CodeScale,
  swallows: readonly string[],
): Lowered | undefined {
  const [indexExponent, tableExponent] = [exponentOf(index.scale), exponentOf(output.scale)];
  if (indexExponent === undefined || tableExponent === undefined) return undefined;
  if (index.zeroPoint !== 0 || output.zeroPoint !== 0) return undefined;
  const codes = { bits: output.bits, exponents: Int32Array.of(indexExponent) };
  const attrs = { tableBits: index.bits, tableExponent, activation };
  return shifted(product, codes, [constant('table', table)], attrs, swallows);
}

/** With the codes of a residual added, be they of one exponent or of one for each channel. */
export function shiftLinearWithResidual(
  product: Accumulator,
  value: string,
  residual: Quantizer | undefined,
  output: Quantizer,
  swallows: readonly string[],
): Lowered | undefined {
  const added = exponentCodes(residual);
  if (!added) return undefined;
  const exponents = constant('residualExponent', perChannel(added.exponents, product.weight.outputs));
  return shifted(product, exponentCodes(output), [value, exponents], { residual: true }, swallows);
}

/** The accumulators alone, and the scale of each. */
export function shiftSums(product: Accumulator): { sums: Lowered; scales: Float32Array } | undefined {
  const parts = shiftProduct(product);
  if (!parts) return undefined;
  const { weight, bias, units, attrs } = parts;
  const inputs = [product.x, weight, bias, constant('unit', units)];
  return {
    sums: { op: 'CqShiftLinear', inputs, attrs: { ...plain, ...attrs, bits: 32 }, swallows: product.nodes },
    scales: Float32Array.from(units, (unit) => 2 ** unit),
  };
}

function shifted(
  product: Accumulator,
  output: ExponentCodes | undefined,
  operands: Lowered['inputs'],
  own: Partial<ShiftLinearAttrs>,
  swallows: readonly string[],
): Lowered | undefined {
  const parts = output && shiftProduct(product);
  if (!parts) return undefined;
  const { weight, bias, units, attrs } = parts;
  const exponents = constant('exponent', perChannel(output.exponents, product.weight.outputs));
  return {
    op: 'CqShiftLinear',
    inputs: [product.x, weight, bias, constant('unit', units), exponents, ...operands],
    attrs: { ...plain, ...attrs, bits: output.bits, ...own },
    swallows: [...product.nodes, ...swallows],
  };
}
