import { roundHalfEven } from './arithmetic.ts';
import { ensure, sizeOf, type Shaped } from './op.ts';

/**
 * What the ops of power-of-two models share. A code q of exponent e means q · 2^e, so that every change of scale is a shift
 * of an integer, rounded half to even. JavaScript has no fast integers of 64 bits: doubles hold all of these exactly, and
 * multiplying one by a power of two is the shift.
 */
export const EXPONENT = 64;

/** An integer in units of 2^`from` in units of 2^`to`; exact, before rounding. */
export function shifted(value: number, from: number, to: number): number {
  return value * 2 ** (from - to);
}

/** The nearest integer to value · 2^−shift, half to even: an arithmetic shift right that rounds; to the left if negative. */
export function roundShift(value: number, shift: number): number {
  return roundHalfEven(shifted(value, 0, shift));
}

/** Throws unless the operand is int32 and has one integer for each of `count` channels. */
export function ensureIntegers(op: string, name: string, operand: Shaped, count: number): void {
  ensure(
    operand.dtype === 'int32' && sizeOf(operand.shape) === count,
    op,
    `${name} must be int32 [${count}]`,
    operand.shape,
  );
}

/** Throws unless the attribute is an exponent. */
export function ensureExponent(op: string, name: string, exponent: number): void {
  ensure(Math.abs(exponent) <= EXPONENT, op, `${name} must be an exponent, ${-EXPONENT} to ${EXPONENT}`, exponent);
}
