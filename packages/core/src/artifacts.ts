import type { io } from '@tensorflow/tfjs-core';
import { freeName } from './edit.ts';
import { CqError } from './errors.ts';
import {
  makeGraph,
  producerOf,
  type Attr,
  type DataType,
  type Graph,
  type Input,
  type Metadata,
  type Node,
  type Output,
  type Weight,
} from './graph.ts';
import { excerpt, sizeOf } from './runtime/op.ts';

/** Version of what `userDefinedMetadata.cq` and the Cq ops mean. A model of a newer one is refused. */
export const FORMAT_VERSION = 1;

/**
 * Graph → the standard graph-model format of TensorFlow.js. Every output gets a node of its public name, so that
 * `model.execute(x, 'logits')` works whatever the passes did. The same graph gives the same bytes.
 */
export function toArtifacts(given: Graph): io.ModelArtifacts {
  const graph = withPublicNames(given);
  const nodes: unknown[] = [
    ...graph.inputs.map(({ name, dtype, shape }) => ({
      name,
      op: 'Placeholder',
      attr: { dtype: { type: typeNames[dtype] }, shape: { shape: shapeJson(shape) } },
    })),
    ...[...graph.weights.values()].map(({ name, dtype, shape }) => ({
      name,
      op: 'Const',
      attr: {
        dtype: { type: typeNames[dtype] },
        value: { tensor: { dtype: typeNames[dtype], tensorShape: shapeJson(shape) } },
      },
    })),
    ...[...graph.nodes.values()].map(nodeJson),
  ];
  for (const { name, value } of graph.outputs) {
    if (name !== value) nodes.push(nodeJson({ name, op: 'Identity', inputs: [value], attrs: {} }));
  }
  const weights = [...graph.weights.values()];
  return {
    format: 'graph-model',
    generatedBy: '@cq/core',
    convertedBy: null as unknown as string,
    modelTopology: { node: nodes, library: {}, versions: { producer: 1 } },
    signature: {
      inputs: Object.fromEntries(graph.inputs.map((input) => [input.name, tensorInfo(input)])),
      outputs: Object.fromEntries(graph.outputs.map((output) => [output.name, tensorInfo(output)])),
    },
    weightSpecs: weights.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
    weightData: concatenated(weights),
    userDefinedMetadata: { cq: { formatVersion: FORMAT_VERSION, ...graph.metadata } },
  };
}

/** The graph with public names for its outputs alone: another value that had one of them gets a name behind it. */
function withPublicNames(graph: Graph): Graph {
  const names = new Map<string, string>();
  for (const { name, value } of graph.outputs) {
    if (name !== value && (graph.nodes.has(name) || graph.weights.has(name))) names.set(name, freeName(graph, name));
  }
  if (names.size === 0) return graph;
  const named = <T extends { readonly name: string }>(part: T): T => ({
    ...part,
    name: names.get(part.name) ?? part.name,
  });
  const read = (reference: string): string => {
    const producer = producerOf(reference);
    return reference.replace(producer, () => names.get(producer) ?? producer);
  };
  return makeGraph({
    ...graph,
    nodes: [...graph.nodes.values()].map((node) => ({ ...named(node), inputs: node.inputs.map(read) })),
    weights: [...graph.weights.values()].map(named),
    outputs: graph.outputs.map((output) => ({ ...output, value: read(output.value) })),
  });
}

function nodeJson({ name, op, inputs, attrs }: Node): unknown {
  return {
    name,
    op,
    input: inputs,
    ...(Object.keys(attrs).length > 0 && {
      attr: Object.fromEntries(Object.entries(attrs).map(([key, attr]) => [key, attrJson(attr)])),
    }),
  };
}

function attrJson(attr: Attr): unknown {
  if (typeof attr === 'boolean') return { b: attr };
  if (typeof attr === 'number') return Number.isInteger(attr) ? { i: attr } : { f: attr };
  if (typeof attr === 'string') return { s: toBase64(attr) };
  if (Array.isArray(attr)) return { list: attr.every(Number.isInteger) ? { i: attr } : { f: attr } };
  if ('type' in attr) return attr;
  if ('shape' in attr) return { shape: shapeJson(attr.shape) };
  return (attr as { raw: unknown }).raw;
}

const shapeJson = (shape: readonly number[]): unknown => ({ dim: shape.map((size) => ({ size })) });

const tensorInfo = ({ name, dtype, shape }: Input): unknown => ({
  name: `${name}:0`,
  dtype: typeNames[dtype],
  tensorShape: shapeJson(shape),
});

const typeNames: Readonly<Record<DataType, string>> = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' };

function concatenated(weights: readonly Weight[]): ArrayBuffer {
  const bytes = new Uint8Array(weights.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes.buffer;
}

/**
 * Graph-model artifacts → Graph. Weights that TensorFlow.js stored as uint8, uint16 or float16 come back as float32.
 * Nothing is taken on trust: whatever is not of the form that the format has is refused, before its size becomes memory.
 * @param source What errors call the model, such as its path.
 * @throws CqError for layers models, newer format versions, and whatever does not fit together.
 */
export function fromArtifacts(artifacts: io.ModelArtifacts, source = 'model'): Graph {
  checkDocument(artifacts, source);
  if (artifacts.format === 'layers-model' || (artifacts.modelTopology as { model_config?: unknown })?.model_config) {
    throw new CqError(
      `${source}: is a tf.layers model; convert it to a graph model first (tensorflowjs_converter --output_format=tfjs_graph_model)`,
    );
  }
  const read = reader(source);
  const listed = read.list(read.object(artifacts.modelTopology, 'modelTopology')['node'], 'modelTopology.node');
  const weights = readWeights(artifacts, read);
  const nodes: Node[] = [];
  const inputs: Input[] = [];
  const constants = new Set<string>();
  for (const json of listed) {
    const { name, op, input, attr } = read.object(json, 'every node');
    const nodeName = read.name(name, 'every node needs a name that');
    const at = `node ${excerpt(nodeName)}`;
    const attrs = Object.entries(attr === undefined ? {} : read.object(attr, `${at}: attr`));
    if (op === 'Const') {
      if (!weights.has(nodeName)) throw new CqError(`${source}: no weight is listed for constant ${excerpt(nodeName)}`);
      if (constants.has(nodeName)) throw read.wrong(`every name`, 'must be unique, got a constant twice', nodeName);
      constants.add(nodeName);
    } else if (op === 'Placeholder') {
      const { dtype, shape } = Object.fromEntries(
        attrs.map(([key, value]) => [key, read.object(value, `${at}: ${key}`)]),
      );
      inputs.push({
        name: nodeName,
        dtype: readType(dtype?.['type'], `${at}: dtype`, read),
        shape: readShape(shape?.['shape'], `${at}: shape`, read),
      });
    } else {
      nodes.push({
        name: nodeName,
        op: read.name(op, `${at}: op`),
        inputs: read.list(input ?? [], `${at}: input`).map((value) => withoutZero(read.text(value, `${at}: input`))),
        attrs: Object.fromEntries(
          attrs.map(([key, value]) => [key, readAttr(value, `${at}: attribute ${excerpt(key)}`, read)]),
        ),
      });
    }
  }
  const outputs = readOutputs(artifacts, nodes, read);
  return makeGraph({ nodes, weights: weights.values(), inputs, outputs, metadata: readMetadata(artifacts, read) });
}

/** Output 0 of a node is spelt like the node. */
const withoutZero = (reference: string): string => (reference.endsWith(':0') ? reference.slice(0, -2) : reference);

/** Values of JSON by their form, or one error that says where they stand. */
interface Reader {
  object(value: unknown, what: string): Readonly<Record<string, unknown>>;
  list(value: unknown, what: string): readonly unknown[];
  text(value: unknown, what: string): string;
  /** A text that may name a value: it is printed in errors and looked up in plain objects. */
  name(value: unknown, what: string): string;
  number(value: unknown, what: string): number;
  wrong(what: string, must: string, got: unknown): CqError;
  readonly source: string;
}

function reader(source: string): Reader {
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
const isPlain = (text: string): boolean => text.length <= LONGEST_TEXT && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);

/** What no honest writer comes near, and what the call stack bears. */
const DEEPEST = 100;

/**
 * What must hold of artifacts whoever executes them: JSON that can be walked and copied without harm, and a format
 * version that this code knows.
 * @throws CqError
 */
export function checkDocument(artifacts: io.ModelArtifacts, source: string): void {
  const { modelTopology, signature, userDefinedMetadata, weightSpecs } = artifacts;
  const check = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Object.hasOwn(value, '__proto__')) throw new CqError(`${source}: no key may be "__proto__"`);
    if (depth > DEEPEST) throw new CqError(`${source}: must not be nested deeper than ${DEEPEST} levels`);
    for (const inner of Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value))
      check(inner, depth + 1);
  };
  for (const part of [modelTopology, signature, userDefinedMetadata, weightSpecs]) check(part, 0);
  readMetadata(artifacts, reader(source));
}

function readMetadata({ userDefinedMetadata }: io.ModelArtifacts, read: Reader): Metadata {
  const stored = userDefinedMetadata as { readonly cq?: unknown } | undefined;
  if (stored?.cq === undefined) return {};
  const cq = read.object(stored.cq, 'userDefinedMetadata.cq');
  if (cq['formatVersion'] !== FORMAT_VERSION) {
    throw new CqError(
      `${read.source}: format version must be ${FORMAT_VERSION}, got ${excerpt(cq['formatVersion'])}; a newer @cq wrote it`,
    );
  }
  const { formatVersion: _, ...metadata } = cq;
  const { task, labels, preprocessing, compression } = metadata;
  if (task !== undefined) read.text(task, 'the task');
  if (labels !== undefined) read.list(labels, 'labels').forEach((label) => read.text(label, 'every label'));
  if (preprocessing !== undefined) read.object(preprocessing, 'preprocessing');
  if (compression !== undefined) read.object(compression, 'compression');
  return metadata;
}

function readWeights({ weightSpecs = [], weightData }: io.ModelArtifacts, read: Reader): Map<string, Weight> {
  const bytes = joined(weightData);
  const weights = new Map<string, Weight>();
  let at = 0;
  for (const spec of weightSpecs) {
    const { name, shape, stored, dtype, scale, min } = readSpec(spec, read);
    const end = at + bytesOf(shape, stored);
    if (end > bytes.length) {
      throw new CqError(
        `${read.source}: weight ${excerpt(name)} needs bytes up to ${end}, the shards have ${bytes.length}; a file is truncated`,
      );
    }
    if (weights.has(name)) throw read.wrong('every name', 'must be unique, got a weight twice', name);
    weights.set(name, { name, dtype, shape, data: decodeStored(stored, bytes.slice(at, end), dtype, scale, min) });
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
interface Spec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly stored: Stored;
  readonly dtype: DataType;
  readonly scale: number;
  readonly min: number;
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
  const { shape, stored } = readSpec(spec, reader(source));
  return bytesOf(shape, stored);
}

const bytesOf = (shape: readonly number[], stored: Stored): number => sizeOf(shape) * storedWidths[stored];

function readSpec(json: unknown, read: Reader): Spec {
  const spec = read.object(json, 'every weight');
  const name = read.name(spec['name'], 'every weight needs a name that');
  const at = `weight ${excerpt(name)}`;
  const { dtype } = spec;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw read.wrong(`${at}: dtype`, 'must be float32, int32 or bool', dtype);
  const shape = read.list(spec['shape'], `${at}: shape`) as readonly number[];
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(8 * sizeOf(shape)))
    throw read.wrong(`${at}: shape`, 'must be of non-negative integers, with a product below 2^50', shape);
  if (spec['quantization'] === undefined) return { name, shape, dtype, stored: dtype, scale: 1, min: 0 };

  const { dtype: stored, scale = 1, min = 0 } = read.object(spec['quantization'], `${at}: quantization`);
  const possible = quantizedAs[dtype]!;
  if (typeof stored !== 'string' || !possible.includes(stored))
    throw read.wrong(`${at}: quantization of ${dtype}`, `must be one of ${possible.join(', ') || 'none'}`, stored);
  return {
    ...{ name, shape, dtype, stored: stored as Stored },
    scale: read.number(scale, `${at}: scale of the quantization`),
    min: read.number(min, `${at}: min of the quantization`),
  };
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

function joined(data: io.WeightData | undefined): Uint8Array {
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

/** The signature's outputs if there is one, else every node that nothing reads. */
function readOutputs({ signature }: io.ModelArtifacts, nodes: readonly Node[], read: Reader): Output[] {
  const listed = signature ? read.object(signature, 'signature')['outputs'] : undefined;
  const outputs = Object.entries(listed === undefined ? {} : read.object(listed, 'signature.outputs'));
  if (outputs.length > 0) {
    return outputs.map(([name, info]) => {
      const at = `output ${excerpt(read.name(name, 'an output needs a name that'))}`;
      const { name: value, dtype, tensorShape } = read.object(info, at);
      return {
        name,
        value: withoutZero(read.text(value, `${at}: name`)),
        dtype: readType(dtype, `${at}: dtype`, read),
        shape: readShape(tensorShape, `${at}: tensorShape`, read),
      };
    });
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map(producerOf)));
  return nodes
    .filter(({ name }) => !used.has(name))
    .map(({ name }) => ({ name, value: name, dtype: 'float32', shape: [] }));
}

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

function readAttr(json: unknown, what: string, read: Reader): Attr {
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
function readShape(json: unknown, what: string, read: Reader): number[] {
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

function readType(type: unknown, what: string, read: Reader): DataType {
  if (type === undefined) return 'float32';
  const known = typeof type === 'string' || typeof type === 'number' ? String(type) : '';
  if (!Object.hasOwn(dataTypes, known))
    throw read.wrong(what, 'must be a type of floats, integers or truth values', type);
  return dataTypes[known]!;
}

function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
