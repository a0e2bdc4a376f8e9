import type { Attr, DataType } from '../graph.ts';
import { isPlain, type Reader } from './json-reader.ts';

/** Forms of an attribute, at most one of which it has. Those with a reader are looked into, the others kept as they are. */
const attrReaders: Readonly<
  Record<string, ((value: unknown, what: string, read: Reader) => Attr | undefined) | undefined>
> = {
  b(value, what, read) {
    if (typeof value !== 'boolean') throw read.wrong(what, 'must be true or false', value);
    return value;
  },
  i: readInteger,
  f: (value, what, read) => read.number(value, what),
  s: readBytes,
  type: (value) => (typeof value === 'string' ? { type: value } : undefined),
  shape(value, what, read) {
    const shape = readShape(value, what, read);
    return (value as { unknownRank?: unknown }).unknownRank ? undefined : { shape };
  },
  list(value, what, read) {
    const { i, f } = read.object(value, what);
    if (i !== undefined && read.list(i, what).length > 0) {
      const integers = read.list(i, what).map((element) => readInteger(element, what, read));
      return integers.includes(undefined) ? undefined : (integers as number[]);
    }
    if (f === undefined) return i === undefined ? undefined : [];
    return read.list(f, what).map((element) => read.number(element, what));
  },
  tensor: undefined,
  func: undefined,
  placeholder: undefined,
};

export function readAttr(json: unknown, what: string, read: Reader): Attr {
  const attr = read.object(json, what);
  const forms = Object.keys(attr).filter((form) => Object.hasOwn(attrReaders, form));
  if (forms.length > 1) throw read.wrong(what, 'must have one form', forms);
  return attrReaders[forms[0] ?? 'tensor']?.(attr[forms[0]!], what, read) ?? { raw: attr };
}

/** Undefined for an int64 beyond the exact integers of JavaScript. */
function readInteger(value: unknown, what: string, read: Reader): number | undefined {
  const sound = Number.isInteger(value) || (typeof value === 'string' && /^-?\d{1,20}$/.test(value));
  if (!sound) throw read.wrong(what, 'must be an integer', value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

/** The text that a bytes attribute holds; undefined if it holds something else. */
function readBytes(value: unknown, what: string, read: Reader): string | undefined {
  const bytes =
    typeof value === 'string'
      ? fromBase64(value)
      : Array.isArray(value)
        ? fromCodes(value as readonly unknown[])
        : undefined;
  if (!bytes) throw read.wrong(what, 'must be base64 or a list of bytes', value);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return isPlain(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function fromCodes(codes: readonly unknown[]): Uint8Array | undefined {
  const sound = codes.every((code) => Number.isInteger(code) && (code as number) >= 0 && (code as number) <= 255);
  return sound ? Uint8Array.from(codes as readonly number[]) : undefined;
}

/** No dimensions where the shape or its rank is unknown. */
export function readShape(json: unknown, what: string, read: Reader): number[] {
  const { dim = [] } = json === undefined ? {} : read.object(json, what);
  return read.list(dim, what).map((json) => {
    const { size = 0 } = read.object(json, what);
    const length = readInteger(size, what, read);
    if (length === undefined || length < -1) throw read.wrong(what, 'must be of integers from 0, or -1', size);
    return length;
  });
}

/** The types of TensorFlow, by name and number, that its JavaScript knows as a DataType. */
const dataTypes: Readonly<Record<string, DataType>> = {
  ...{ DT_FLOAT: 'float32', DT_DOUBLE: 'float32', DT_HALF: 'float32', 1: 'float32', 2: 'float32', 19: 'float32' },
  ...{ DT_INT32: 'int32', DT_INT64: 'int32', DT_INT8: 'int32', DT_UINT8: 'int32' },
  ...{ 3: 'int32', 4: 'int32', 6: 'int32', 9: 'int32', DT_BOOL: 'bool', 10: 'bool' },
};

export function readType(type: unknown, what: string, read: Reader): DataType {
  if (type === undefined) return 'float32';
  const known = typeof type === 'string' || typeof type === 'number' ? String(type) : '';
  if (!Object.hasOwn(dataTypes, known))
    throw read.wrong(what, 'must be a type of floats, integers or truth values', type);
  return dataTypes[known]!;
}
