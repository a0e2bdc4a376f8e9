import { hasZero, rowOf, type Quantizer } from '../quantizer.ts';
import { roundHalfEven } from '../runtime/arithmetic.ts';
import { unmatched, type Unmatched } from './rule.ts';

/** A quantizer of probabilities as integer attention has it. */
export interface Probability {
  readonly kind: string;
  readonly bits: number;
  readonly scale: number;
  /** What each code counts, within int16. */
  readonly levels: Int32Array;
  /** What 1 of the levels is, in units of the scale. */
  readonly unit: number;
  /** Absent where codes are found by rounding. */
  readonly boundaries?: Float32Array;
}

const LARGEST = 2 ** 15 - 1;

export function probabilityOf(quantizer: Quantizer): Probability | Unmatched {
  if (quantizer.kind === 'dynamic' || quantizer.bits > 8) return unmatched('its probabilities have no codes of 8 bits');
  if (quantizer.scale.length > 1) return unmatched('its probabilities have several scales');
  const { kind, bits } = quantizer;
  const scale = quantizer.scale[0]!;
  if (quantizer.kind === 'uniform') {
    if (quantizer.signed || quantizer.zeroPoint[0] !== 0) return unmatched('its probabilities have no codes from 0 on');
    return { kind, bits, scale, levels: Int32Array.from({ length: 2 ** bits }, (_, code) => code), unit: 1 };
  }
  if (!hasZero(quantizer)) return unmatched('its probabilities have no level for 0');
  const { levels, boundaries } = rowOf(quantizer).cells!(quantizer);
  const largest = Math.max(Math.abs(levels[0]!), Math.abs(levels.at(-1)!));
  const unit = unitOf(largest);
  return {
    kind,
    bits,
    scale,
    levels: Int32Array.from(levels, (level) => roundHalfEven(level / unit)),
    unit,
    boundaries,
  };
}

/** The least power of two of which `largest` is no more than int16 can count. */
function unitOf(largest: number): number {
  let unit = 2 ** -64;
  while (largest > LARGEST * unit) unit *= 2;
  return unit;
}
