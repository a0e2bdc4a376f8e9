import { CqError, float16ToNumber } from '@cq/core';
import { excerpt } from './excerpt.ts';
import type { OpenFile } from './model-files.ts';
import { repeatedKey } from './repeated-key.ts';

/** A tensor of a checkpoint. Every float type arrives as float32, every integer type as int32. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What a safetensors file holds: tensors by name, and texts about them. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a file of the safetensors format: 8 bytes of header length, a JSON header, the bytes of the tensors.
 * The whole header is checked against the size of the file before any tensor gets memory.
 * @param file What errors call it.
 * @throws CqError that names the file, the tensor and the numbers.
 */
export async function parseSafetensors(file: string, opened: OpenFile): Promise<Safetensors> {
  const header = await readHeader(file, opened);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, start, end } of header.entries) {
    const bytes = await opened.read(header.dataStart + start, end - start);
    tensors.set(name, { shape, data: types[type].decode(bytes, complain(file, name)) });
  }
  return { tensors, metadata: header.metadata };
}

/** The bytes of a safetensors file with these tensors, as F32 and I32. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    if (data.length !== shape.reduce((product, length) => product * length, 1)) {
      throw new CqError(`safetensors: tensor "${name}": [${shape.join(', ')}] does not have ${data.length} values`);
    }
    const dtype = data instanceof Float32Array ? 'F32' : 'I32';
    header[name] = { dtype, shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const dataStart = Math.ceil((8 + json.length) / 8) * 8; // the format asks for tensors at multiples of 8
  const bytes = new Uint8Array(dataStart + size).fill(0x20, 0, dataStart);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  bytes.set(json, 8);
  let at = dataStart;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

type Type = keyof typeof types;

/** What each type of the format becomes. Bytes are little-endian, like every platform that runs this. */
const types = {
  F32: { width: 4, decode: (bytes: ArrayBuffer) => new Float32Array(bytes) },
  F16: {
    width: 2,
    decode: (bytes: ArrayBuffer) => {
      const halves = new Uint16Array(bytes);
      const data = new Float32Array(halves.length);
      const values = float16Values();
      for (let i = 0; i < halves.length; i++) data[i] = values[halves[i]!]!;
      return data;
    },
  },
  /** bfloat16 is the upper half of float32. */
  BF16: {
    width: 2,
    decode: (bytes: ArrayBuffer) => {
      const halves = new Uint16Array(bytes);
      const bits = new Uint32Array(halves.length);
      for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
      return new Float32Array(bits.buffer);
    },
  },
  I32: { width: 4, decode: (bytes: ArrayBuffer) => new Int32Array(bytes) },
  I64: {
    width: 8,
    decode: (bytes: ArrayBuffer, fail: Complaint) => {
      const wide = new BigInt64Array(bytes);
      const data = new Int32Array(wide.length);
      for (let i = 0; i < wide.length; i++) {
        data[i] = Number(wide[i]);
        if (BigInt(data[i]!) !== wide[i]) throw fail(`value ${i} must fit in 32 bits, got ${wide[i]}`);
      }
      return data;
    },
  },
} as const;

let halfValues: Float32Array | undefined;

/** The value of every half, by its bits: ten times as fast as to compute each. */
const float16Values = (): Float32Array =>
  (halfValues ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => float16ToNumber(bits)));

type Complaint = (rest: string) => CqError;

const complain =
  (file: string, tensor: string): Complaint =>
  (rest) =>
    new CqError(`${file}: tensor "${tensor}": ${rest}`);

interface Entry {
  readonly name: string;
  readonly type: Type;
  readonly shape: readonly number[];
  /** Bytes counted from `dataStart`. */
  readonly start: number;
  readonly end: number;
}

interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly dataStart: number;
}

const OPENING_BRACKET = '['.charCodeAt(0);

/** The format's own limit. */
const longestHeader = 100_000_000;

async function readHeader(file: string, opened: OpenFile): Promise<Header> {
  const { size } = opened;
  if (size < 8) throw new CqError(`${file}: must start with 8 bytes of header length, got ${size} bytes in all`);
  const length = new DataView(await opened.read(0, 8)).getBigUint64(0, true);
  if (length > longestHeader) {
    throw new CqError(
      `${file}: header length must be at most ${longestHeader}, got ${length}; this is no safetensors file`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > size) {
    throw new CqError(`${file}: header ends at byte ${dataStart}, got ${size} bytes in all; the file is truncated`);
  }
  const json = parseHeader(file, await opened.read(8, Number(length)));
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = readMetadata(file, value);
    else entries.push(readEntry(name, value, complain(file, name)));
  }
  checkLayout(file, entries, size - dataStart);
  return { entries, metadata, dataStart };
}

/** Fewest bytes of a header for each of its lists; an entry has two and over 40 bytes. */
const BYTES_PER_LIST = 8;

function parseHeader(file: string, bytes: ArrayBuffer): object {
  const lists = new Uint8Array(bytes).filter((byte) => byte === OPENING_BRACKET).length;
  if (lists * BYTES_PER_LIST > bytes.byteLength + 64) {
    throw new CqError(`${file}: header must be entries of tensors, got ${lists} lists in ${bytes.byteLength} bytes`);
  }
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (error) {
    throw new CqError(`${file}: header must be JSON, got ${(error as Error).message}`);
  }
  if (!isObject(json)) throw new CqError(`${file}: header must be a JSON object, got ${excerpt(json)}`);
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new CqError(`${file}: header: every name must be unique, got "${repeated}" twice`);
  return json;
}

function readMetadata(file: string, value: unknown): Map<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new CqError(`${file}: __metadata__ must be an object of strings, got ${excerpt(value)}`);
  }
  return new Map(Object.entries(value) as [string, string][]);
}

/** TensorFlow.js keeps weights under their names in plain objects, where these mean something else. */
const reservedNames: readonly string[] = ['__proto__', 'constructor', 'prototype'];

function readEntry(name: string, value: unknown, fail: Complaint): Entry {
  if (reservedNames.includes(name)) throw fail('this name is reserved by JavaScript; rename the tensor');
  if (!isObject(value)) throw fail(`must be an object with dtype, shape and data_offsets, got ${excerpt(value)}`);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isType(dtype)) {
    throw fail(`dtype must be one of ${Object.keys(types).join(', ')}, got ${excerpt(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw fail(`shape must be a list of non-negative integers, got ${excerpt(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw fail(`data_offsets must be a start and an end, got ${excerpt(offsets)}`);
  }
  const [start, end] = offsets as [number, number];
  // Beyond 2^53 the product is inexact but stays above every difference of offsets.
  const bytes = shape.reduce((product: number, length: number) => product * length, types[dtype].width);
  if (bytes !== end - start) {
    throw fail(`${dtype} of shape ${excerpt(shape)} has ${bytes} bytes, got ${end - start} from data_offsets`);
  }
  return { name, type: dtype, shape, start, end };
}

/** Tensors must fill the rest of the file: one after the other, no hole, nothing behind the last. */
function checkLayout(file: string, entries: readonly Entry[], available: number): void {
  let at = 0;
  let before = 'the header';
  for (const { name, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const fail = complain(file, name);
    if (end > available) {
      throw fail(`ends at byte ${end} of the data, got ${available} bytes of data; the file is truncated`);
    }
    if (start < at) throw fail(`must start at byte ${at} of the data, got ${start}; it overlaps ${before}`);
    if (start > at) throw fail(`must start at byte ${at} of the data, got ${start}; bytes behind ${before} are unused`);
    at = end;
    before = `"${name}"`;
  }
  if (at !== available) {
    throw new CqError(`${file}: data must end with ${before} at byte ${at}, got ${available} bytes of data`);
  }
}

const isType = (name: string): name is Type => Object.hasOwn(types, name);
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
