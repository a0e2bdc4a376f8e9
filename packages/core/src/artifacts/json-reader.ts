import { CqError } from '../errors.ts';
import { excerpt } from '../runtime/op.ts';

/** Values of JSON by their form, or one error that says where they stand. */
export interface Reader {
  object(value: unknown, what: string): Readonly<Record<string, unknown>>;
  list(value: unknown, what: string): readonly unknown[];
  text(value: unknown, what: string): string;
  /** A text that may name a value: it is printed in errors and looked up in plain objects. */
  name(value: unknown, what: string): string;
  number(value: unknown, what: string): number;
  wrong(what: string, must: string, got: unknown): CqError;
  readonly source: string;
}

export function reader(source: string): Reader {
  const wrong: Reader['wrong'] = (what, must, got) => new CqError(`${source}: ${what} ${must}, got ${excerpt(got)}`);
  return {
    source,
    wrong,
    object(value, what) {
      if (!isObject(value)) throw wrong(what, 'must be an object', value);
      return value;
    },
    list(value, what) {
      if (!Array.isArray(value)) throw wrong(what, 'must be a list', value);
      return value;
    },
    text(value, what) {
      if (typeof value !== 'string') throw wrong(what, 'must be a text', value);
      return value;
    },
    name(value, what) {
      if (typeof value !== 'string' || value === '' || !isPlain(value))
        throw wrong(what, `must be 1 to ${LONGEST_TEXT} printable characters`, value);
      // TensorFlow.js looks names up in plain objects, and finds something under `constructor`.
      if (value in Object.prototype) throw wrong(what, 'must be none that every object has', value);
      return value;
    },
    number(value, what) {
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(what, 'must be a number', value);
      return value;
    },
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const LONGEST_TEXT = 1024;
export const isPlain = (text: string): boolean => text.length <= LONGEST_TEXT && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
