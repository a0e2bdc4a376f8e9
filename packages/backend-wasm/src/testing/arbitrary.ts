import fc from 'fast-check';
import { clamp, codeRange, sizeOf, toPanels, type CodeType, type Operand } from '@cq/core/runtime';

/** How random codes are spread: all alike, or only the ends of their range or one of them, where sums are largest. */
export type Spread = 'even' | 'ends' | 'low' | 'high';

export const spread = fc.constantFrom<Spread>('even', 'even', 'ends', 'low');
export const seed = fc.integer();
/** Bits of output codes: int8 and int16. */
export const codeBits = fc.constantFrom(4, 8, 16);
export const zeroPoint = fc.integer({ min: -40_000, max: 40_000 });

/** The nearest code of so many bits: ops take no other zero point. */
export function nearestCode(value: number, bits: number): number {
  return clamp(value, ...codeRange(bits));
}

/** A stream of numbers in [0, 1) (mulberry32): large tensors from one seed, which fast-check would make one value at a time. */
export function stream(from: number): () => number {
  let state = from | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Codes of so many bits, as the type that carries them. */
export function codes(
  next: () => number,
  shape: readonly number[],
  how: Spread,
  bits = 8,
  dtype: CodeType = 'bool',
): Operand {
  const half = 2 ** (bits - 1);
  const code = {
    even: () => Math.floor(next() * 2 * half) - half,
    ends: () => (next() < 0.5 ? -half : half - 1),
    low: () => -half,
    high: () => half - 1,
  }[how];
  const data = dtype === 'bool' ? new Uint8Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = code();
  return { dtype, shape, data };
}

/** A weight of so many bits in the kernels' layout. */
export function panels(next: () => number, outputs: number, inputs: number, how: Spread, weightBits = 8): Operand {
  const { data } = codes(next, [outputs, inputs], how, weightBits);
  const packed = toPanels(new Int8Array(data.buffer), outputs, inputs, weightBits);
  return { dtype: 'bool', shape: [packed.length], data: packed };
}

export function floats(shape: readonly number[], value: (i: number) => number): Operand {
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)) };
}

export function integers(shape: readonly number[], value: (i: number) => number): Operand {
  return { dtype: 'int32', shape, data: Int32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)) };
}
