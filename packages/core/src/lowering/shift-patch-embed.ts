import type { Quantizer } from '../quantizer.ts';
import { roundHalfEven } from '../runtime/arithmetic.ts';
import type { Accumulator } from './accumulator.ts';
import { exponentCodes, perChannel } from './exponents.ts';
import { constant, type Lowered } from './rule.ts';
import { shiftProduct } from './shift-linear.ts';

/** CqShiftPatchEmbed but for the sizes of the patches; undefined where a scale is no power of two. Positions: [rows, outputs]. */
export function shiftPatchEmbed(
  image: string,
  product: Accumulator,
  positions: Float32Array,
  output: Quantizer,
): Pick<Lowered, 'op' | 'inputs' | 'attrs'> | undefined {
  const [parts, codes] = [shiftProduct(product), exponentCodes(output)];
  if (!parts || !codes) return undefined;
  const { weight, bias, units, attrs } = parts;
  const { outputs } = product.weight;
  const tokens = Int32Array.from(positions, (position, i) => roundHalfEven(position / 2 ** units[i % outputs]!));
  return {
    op: 'CqShiftPatchEmbed',
    inputs: [
      image,
      weight,
      bias,
      constant('unit', units),
      constant('exponent', perChannel(codes.exponents, outputs)),
      constant('tokens', tokens, [positions.length / outputs, outputs]),
    ],
    attrs: { ...attrs, bits: codes.bits },
  };
}
