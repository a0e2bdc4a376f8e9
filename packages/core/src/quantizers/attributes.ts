import { CqError } from '../errors.ts';
import type { Attr } from '../graph.ts';
import type { Granularity } from '../runtime/granularity.ts';
import { excerpt } from '../runtime/op.ts';

/** Attributes of a node by their form, or one error that says what is wrong with them. */
export interface AttributeReader {
  /** `fallback` stands for an attribute that is not there. */
  integer(name: string, low: number, high: number, fallback?: number): number;
  number(name: string, low: number, high: number): number;
  truth(name: string): boolean;
  integers(name: string): Int32Array;
  /** Constant operand `index` behind the scale. */
  floats(index: number): Float32Array;
  fail(rule: string, got: unknown): never;
}

/** @param source What errors call the node. */
export function attributeReader(
  source: string,
  attrs: Readonly<Record<string, unknown>>,
  floats: (index: number) => Float32Array | undefined,
): AttributeReader {
  const fail: AttributeReader['fail'] = (rule, got) => {
    throw new CqError(`${source}: ${rule}, got ${excerpt(got)}`);
  };
  const own = (name: string): unknown => (Object.hasOwn(attrs, name) ? attrs[name] : undefined);
  const isInt32 = (value: unknown): boolean => Number.isInteger(value) && (value as number) === ((value as number) | 0);
  return {
    fail,
    integer(name, low, high, fallback) {
      const value = own(name) ?? fallback;
      if (!Number.isInteger(value) || (value as number) < low || (value as number) > high)
        fail(`${name} must be an integer from ${low} to ${high}`, value);
      return value as number;
    },
    number(name, low, high) {
      const value = own(name);
      if (typeof value !== 'number' || !(value >= low && value <= high))
        fail(`${name} must be a number from ${low} to ${high}`, value);
      return value as number;
    },
    truth(name) {
      const value = own(name);
      if (typeof value !== 'boolean') fail(`${name} must be true or false`, value);
      return value as boolean;
    },
    integers(name) {
      const value = own(name);
      if (!Array.isArray(value) || !value.every(isInt32)) fail(`${name} must be a list of integers`, value);
      return Int32Array.from(value as readonly number[]);
    },
    floats(index) {
      return floats(index) ?? fail(`constant ${index + 1} behind the scale must be float32`, undefined);
    },
  };
}

const MOST_AXES = 6;

/** Axis -1: one scale for the tensor. */
export const writeAxis = ({ axis }: Granularity): Readonly<Record<string, Attr>> => ({ axis: axis ?? -1 });

export function readAxis(attributes: AttributeReader): Granularity {
  const axis = attributes.integer('axis', -1, MOST_AXES - 1);
  return axis < 0 ? {} : { axis };
}
