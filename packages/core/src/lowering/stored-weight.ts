import type { Weight } from '../graph.ts';
import { encode, rowOf, type Quantizer, type StoredQuantizer } from '../quantizer.ts';
import { packRows } from '../runtime/bits.ts';
import { constant, type Lowered } from './rule.ts';

/**
 * A quantized weight that float nodes read                                  becomes     CqWeight
 *
 * Undefined where its codes have more than 8 bits or several zero points.
 * @param data The weight's, masked.
 */
export function storedWeight({ shape }: Weight, data: Float32Array, quantizer: Quantizer): Lowered | undefined {
  const columns = shape.at(-1);
  if (quantizer.kind === 'dynamic' || quantizer.bits > 8 || !columns || data.length === 0) return undefined;
  const { kind, bits, axis = -1, group = 0, scale } = quantizer;
  const zero = kind === 'uniform' ? quantizer.zeroPoint[0]! : 0;
  if (kind === 'uniform' && quantizer.zeroPoint.some((other) => other !== zero)) return undefined;
  const half = kind === 'uniform' && quantizer.signed ? 0 : 2 ** (bits - 1);
  const codes = encode(data, shape, quantizer).map((code) => code - half);
  const packed = packRows(codes, columns, bits);
  const stored = constant('codes', packed, [...shape.slice(0, -1), (packed.length * columns) / data.length]);
  const attrs = { kind, bits, zeroPoint: zero - half, columns, axis, group };
  const levels = kind === 'uniform' ? [] : [constant('levels', levelsOf(quantizer))];
  return { op: 'CqWeight', inputs: [stored, constant('scale', scale), ...levels], attrs, swallows: [] };
}

/** The values of all codes, in units of the scale. */
function levelsOf(quantizer: StoredQuantizer): Float32Array {
  const decoder = rowOf(quantizer).decoder({ ...quantizer, scale: Float32Array.of(1) }, 0);
  return Float32Array.from({ length: 2 ** quantizer.bits }, (_, code) => decoder(code));
}
