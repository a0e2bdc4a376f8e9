import { CqError } from '../errors.ts';
import { codeRange } from './arithmetic.ts';

/**
 * How codes travel between lowered nodes: at most 8 bits as the raw bytes of a `bool` tensor (one byte per element, on
 * disk and in memory), wider ones as `int32`.
 */
export type CodeType = 'bool' | 'int32';
/** Types of tensors between lowered ops: floats, or codes by `CodeType`. */
export type TensorType = 'float32' | CodeType;

/** A tensor as kernels see it. `bool` data are two's complement bytes. */
export interface Operand {
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Attributes of a lowered op by name. */
export type Attrs = Readonly<Record<string, number | string | boolean>>;
/** Types of attributes, as they stand in a model.json. */
export type AttrType = 'int' | 'float' | 'string' | 'bool';

/**
 * One lowered op: the list of what it takes, what it gives, and its definition in plain TypeScript. Backends check with
 * the same row and equal `reference` bit for bit.
 */
export interface LoweredOp {
  readonly name: string;
  /** Names of the inputs in order. Those after `optional` may be absent. */
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrType>>;
  /** Inputs that are present only if this says so. */
  present?(input: string, attrs: Attrs): boolean;
  /** Between which numbers the integers of an input must lie, for inputs that kernels trust in that. */
  bounds?(input: string, attrs: Attrs): readonly [low: number, high: number] | undefined;
  /** Throws one CqError if shapes, types, lengths or attributes do not fit together. */
  check(operands: Readonly<Record<string, Shaped>>, attrs: Attrs): void;
  output(operands: Readonly<Record<string, Shaped>>, attrs: Attrs): Shaped;
  reference(
    operands: Readonly<Record<string, Operand>>,
    attrs: Attrs,
    output: Float32Array | Int32Array | Uint8Array,
  ): void;
}

/** An operand without its data. */
export type Shaped = Pick<Operand, 'dtype' | 'shape'>;

/** How many elements a tensor of this shape has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The type that carries codes of so many bits. */
export function codeType(bits: number): CodeType {
  return bits <= 8 ? 'bool' : 'int32';
}

/** Throws `<op>: <what>, got <value>` unless it holds. */
export function ensure(holds: boolean, op: string, what: string, got: unknown): asserts holds {
  if (!holds) throw new CqError(`${op}: ${what}, got ${excerpt(got)}`);
}

/** A value as errors show it: on one short line that no terminal takes for a command, whatever a file had there. */
export function excerpt(value: unknown): string {
  if (typeof value === 'number') return String(value);
  let text: string;
  try {
    text = String(JSON.stringify(value));
  } catch {
    return 'something nested too deeply'; // JSON.parse has no limit of depth, JSON.stringify has the call stack's
  }
  const short = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
  return short.replace(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Names in graphs of TensorFlow have 100 characters and more. */
const EXCERPT = 200;

/** What JSON need not escape, though it breaks a line or moves a cursor. */
const control = /[\u007f-\u009f\u2028\u2029]/g;

/** Throws unless `bits` is 1 to `most` and the zero point is a code. */
export function ensureCodes(op: string, bits: number, zeroPoint: number, most = 16): void {
  ensure(bits >= 1 && bits <= most, op, `bits must be 1 to ${most}`, bits);
  const [low, high] = codeRange(bits);
  ensure(zeroPoint >= low && zeroPoint <= high, op, `zeroPoint must be a code, ${low} to ${high}`, zeroPoint);
}

/** The codes of an operand as signed integers. */
export function codesOf({ dtype, data }: Operand): Int8Array | Int32Array {
  return dtype === 'bool' ? new Int8Array(data.buffer, data.byteOffset, data.length) : (data as Int32Array);
}
