import type { io } from '@tensorflow/tfjs-core';
import { CqError } from '../errors.ts';
import type { DataType, Weight } from '../graph.ts';
import { entropyDecoded } from './entropy.ts';
import { reader, type Reader } from './json-reader.ts';
import { excerpt, sizeOf } from '../runtime/op.ts';

export function readWeights({ weightSpecs = [], weightData }: io.ModelArtifacts, read: Reader): Map<string, Weight> {
  const bytes = joined(weightData);
  const weights = new Map<string, Weight>();
  let at = 0;
  for (const spec of weightSpecs) {
    const { name, shape, stored, dtype, scale, min, coded } = readSpec(spec, read);
    const end = at + (coded ?? bytesOf(shape, stored));
    if (end > bytes.length) {
      throw new CqError(
        `${read.source}: weight ${excerpt(name)} needs bytes up to ${end}, the shards have ${bytes.length}; a file is truncated`,
      );
    }
    if (weights.has(name)) throw read.wrong('every name', 'must be unique, got a weight twice', name);
    const own = bytes.slice(at, end);
    const data =
      coded === undefined
        ? decodeStored(stored, own, dtype, scale, min)
        : entropyDecoded(own, sizeOf(shape), `${read.source}: weight ${excerpt(name)}`);
    weights.set(name, { name, dtype, shape, data });
    at = end;
  }
  if (at !== bytes.length) {
    throw new CqError(
      `${read.source}: the weights have ${at} bytes, the shards ${bytes.length}; a file is not of this model`,
    );
  }
  return weights;
}

/** What the bytes of a weight are, and what becomes of them. */
export interface Spec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly stored: Stored;
  readonly dtype: DataType;
  readonly scale: number;
  readonly min: number;
  /** How many bytes of an entropy code stand for it. */
  readonly coded?: number;
}

type Stored = keyof typeof storedWidths;

const storedWidths = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

/** Types of numbers that each type of weight may be stored as. */
const quantizedAs: Readonly<Record<string, readonly string[]>> = {
  float32: ['uint8', 'uint16', 'float16'],
  int32: ['uint8', 'uint16'],
  bool: [],
};

/** Length in bytes of what one entry of a weights manifest describes. */
export function specBytes(spec: unknown, source: string): number {
  const { shape, stored, coded } = readSpec(spec, reader(source));
  return coded ?? bytesOf(shape, stored);
}

const bytesOf = (shape: readonly number[], stored: Stored): number => sizeOf(shape) * storedWidths[stored];

/** What an entry of a weights manifest says. */
export function readSpec(json: unknown, read: Reader): Spec {
  const spec = read.object(json, 'every weight');
  const name = read.name(spec['name'], 'every weight needs a name that');
  const at = `weight ${excerpt(name)}`;
  const { dtype } = spec;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw read.wrong(`${at}: dtype`, 'must be float32, int32 or bool', dtype);
  const shape = shapeOf(spec['shape'], `${at}: shape`, read);
  if (spec['coded'] !== undefined) {
    const codedShape = shapeOf(read.object(spec['coded'], `${at}: coded`)['shape'], `${at}: coded shape`, read);
    if (dtype !== 'bool' || spec['quantization'] !== undefined)
      throw read.wrong(`${at}: coded`, 'must be bool without quantization, where it is there', dtype);
    return { name, shape: codedShape, dtype, stored: dtype, scale: 1, min: 0, coded: sizeOf(shape) };
  }
  if (spec['quantization'] === undefined) return { name, shape, dtype, stored: dtype, scale: 1, min: 0 };

  const { dtype: stored, scale = 1, min = 0 } = read.object(spec['quantization'], `${at}: quantization`);
  const possible = quantizedAs[dtype]!;
  if (typeof stored !== 'string' || !possible.includes(stored))
    throw read.wrong(`${at}: quantization of ${dtype}`, `must be one of ${possible.join(', ') || 'none'}`, stored);
  if (dtype === 'int32' && !(Math.abs(read.number(min, `${at}: min of the quantization`)) < 2 ** 31))
    throw read.wrong(`${at}: min of the quantization`, 'must be an int32', min);
  return {
    ...{ name, shape, dtype, stored: stored as Stored },
    scale: read.number(scale, `${at}: scale of the quantization`),
    min: read.number(min, `${at}: min of the quantization`),
  };
}

function shapeOf(json: unknown, at: string, read: Reader): readonly number[] {
  const shape = read.list(json, at) as readonly number[];
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(8 * sizeOf(shape)))
    throw read.wrong(at, 'must be of non-negative integers, with a product below 2^50', shape);
  return shape;
}

function decodeStored(stored: Stored, bytes: Uint8Array, dtype: DataType, scale: number, min: number): Weight['data'] {
  if (stored === 'float32') return new Float32Array(bytes.buffer);
  if (stored === 'int32') return new Int32Array(bytes.buffer);
  if (stored === 'bool') return bytes;
  if (stored === 'float16') return Float32Array.from(new Uint16Array(bytes.buffer), float16ToNumber);
  const codes = stored === 'uint8' ? bytes : new Uint16Array(bytes.buffer);
  return dtype === 'int32'
    ? Int32Array.from(codes, (code) => Math.round(code * scale + min))
    : Float32Array.from(codes, (code) => code * scale + min);
}

/** IEEE 754 binary16 bits → number. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Shards as one. */
export function joined(data: io.WeightData | undefined): Uint8Array {
  const buffers = data === undefined ? [] : Array.isArray(data) ? data : [data];
  if (buffers.length === 1) return new Uint8Array(buffers[0]!);
  const bytes = new Uint8Array(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const buffer of buffers) {
    bytes.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return bytes;
}
