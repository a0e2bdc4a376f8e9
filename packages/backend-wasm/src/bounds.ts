import { codeRange } from '@cq/core/runtime';

/** Bounds of the codes less their zero point, as the kernels take them. */
export function bounds(bits: number, zeroPoint: number): readonly [low: number, high: number] {
  const [low, high] = codeRange(bits);
  return [low - zeroPoint, high - zeroPoint];
}
