import type { io } from '@tensorflow/tfjs-core';
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
import { sizeOf } from './runtime/op.ts';

/** Version of what `userDefinedMetadata.cq` and the Cq ops mean. A model of a newer one is refused. */
export const FORMAT_VERSION = 1;

/**
 * Graph → the standard graph-model format of TensorFlow.js. Every output gets a node of its public name, so that
 * `model.execute(x, 'logits')` works whatever the passes did. The same graph gives the same bytes.
 */
export function toArtifacts(graph: Graph): io.ModelArtifacts {
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

/** A node of a graph model as JSON has it. */
interface NodeJson {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, AttrJson>>;
}

interface AttrJson {
  readonly i?: number | string;
  readonly f?: number;
  readonly b?: boolean;
  readonly s?: string | readonly number[];
  readonly type?: string | number;
  readonly shape?: ShapeJson;
  readonly list?: { readonly i?: readonly (number | string)[]; readonly f?: readonly number[] };
}

interface ShapeJson {
  readonly dim?: readonly { readonly size?: number | string }[];
  readonly unknownRank?: boolean;
}

/**
 * Graph-model artifacts → Graph. Weights that TensorFlow.js stored as uint8, uint16 or float16 come back as float32.
 * @param source What errors call the model, such as its path.
 * @throws CqError for layers models, newer format versions, and whatever does not fit together.
 */
export function fromArtifacts(artifacts: io.ModelArtifacts, source = 'model'): Graph {
  if (artifacts.format === 'layers-model' || (artifacts.modelTopology as { model_config?: unknown })?.model_config) {
    throw new CqError(
      `${source}: is a tf.layers model; convert it to a graph model first (tensorflowjs_converter --output_format=tfjs_graph_model)`,
    );
  }
  const listed = (artifacts.modelTopology as { node?: readonly NodeJson[] } | undefined)?.node;
  if (!Array.isArray(listed))
    throw new CqError(`${source}: modelTopology.node must be a list of nodes, got ${typeof listed}`);
  const metadata = readMetadata(artifacts, source);
  const weights = readWeights(artifacts, source);
  const nodes: Node[] = [];
  const inputs: Input[] = [];
  for (const json of listed as readonly NodeJson[]) {
    if (typeof json?.name !== 'string' || typeof json.op !== 'string') {
      throw new CqError(`${source}: every node needs a name and an op, got ${JSON.stringify(json)?.slice(0, 80)}`);
    }
    if (json.op === 'Const') {
      if (!weights.has(json.name)) throw new CqError(`${source}: no weight is listed for constant "${json.name}"`);
    } else if (json.op === 'Placeholder') {
      inputs.push({
        name: json.name,
        dtype: readType(json.attr?.['dtype']?.type),
        shape: readShape(json.attr?.['shape']?.shape),
      });
    } else {
      nodes.push({
        name: json.name,
        op: json.op,
        inputs: (json.input ?? []).map((input) => (input.endsWith(':0') ? input.slice(0, -2) : input)),
        attrs: Object.fromEntries(Object.entries(json.attr ?? {}).map(([key, attr]) => [key, readAttr(attr)])),
      });
    }
  }
  return makeGraph({ nodes, weights: weights.values(), inputs, outputs: readOutputs(artifacts, nodes), metadata });
}

function readMetadata(artifacts: io.ModelArtifacts, source: string): Metadata {
  const stored = (artifacts.userDefinedMetadata as { cq?: Record<string, unknown> } | undefined)?.cq;
  if (!stored) return {};
  const { formatVersion, ...metadata } = stored;
  if (formatVersion !== FORMAT_VERSION) {
    throw new CqError(
      `${source}: format version must be ${FORMAT_VERSION}, got ${JSON.stringify(formatVersion)}; a newer @cq wrote it`,
    );
  }
  return metadata;
}

function readWeights({ weightSpecs = [], weightData }: io.ModelArtifacts, source: string): Map<string, Weight> {
  const bytes = joined(weightData);
  const weights = new Map<string, Weight>();
  let at = 0;
  for (const spec of weightSpecs) {
    const { name, dtype, shape, quantization } = spec;
    const size = sizeOf(shape);
    if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0) || !Number.isSafeInteger(size)) {
      throw new CqError(
        `${source}: weight "${name}": shape must be of non-negative integers, got [${shape.join(', ')}]`,
      );
    }
    const stored = quantization?.dtype ?? dtype;
    const width = storedWidths[stored];
    if (width === undefined)
      throw new CqError(`${source}: weight "${name}": dtype must be float32, int32 or bool, got "${stored}"`);
    if (at + size * width > bytes.length) {
      throw new CqError(
        `${source}: weight "${name}" needs bytes up to ${at + size * width}, the shards have ${bytes.length}; a file is truncated`,
      );
    }
    const slice = bytes.slice(at, at + size * width);
    weights.set(name, {
      name,
      dtype: dtype as DataType,
      shape,
      data: decodeStored(stored, slice, dtype as DataType, quantization),
    });
    at += size * width;
  }
  return weights;
}

const storedWidths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

function decodeStored(
  stored: string,
  bytes: Uint8Array,
  dtype: DataType,
  quantization: { scale?: number; min?: number } | undefined,
): Weight['data'] {
  if (stored === 'float32') return new Float32Array(bytes.buffer);
  if (stored === 'int32') return new Int32Array(bytes.buffer);
  if (stored === 'bool') return bytes;
  if (stored === 'float16') return Float32Array.from(new Uint16Array(bytes.buffer), float16ToNumber);
  const codes = stored === 'uint8' ? bytes : new Uint16Array(bytes.buffer);
  const { scale = 1, min = 0 } = quantization ?? {};
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
function readOutputs({ signature }: io.ModelArtifacts, nodes: readonly Node[]): Output[] {
  interface TensorInfo {
    readonly name: string;
    readonly dtype?: string;
    readonly tensorShape?: ShapeJson;
  }
  const listed = (signature as { outputs?: Record<string, TensorInfo> } | undefined)?.outputs;
  if (listed && Object.keys(listed).length > 0) {
    return Object.entries(listed).map(([name, info]) => ({
      name,
      value: info.name.endsWith(':0') ? info.name.slice(0, -2) : info.name,
      dtype: readType(info.dtype),
      shape: readShape(info.tensorShape),
    }));
  }
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(producerOf)));
  return nodes
    .filter(({ name }) => !read.has(name))
    .map(({ name }) => ({ name, value: name, dtype: 'float32', shape: [] }));
}

function readAttr(attr: AttrJson): Attr {
  if (attr.b !== undefined) return attr.b;
  if (attr.i !== undefined) return Number(attr.i);
  if (attr.f !== undefined) return attr.f;
  if (attr.s !== undefined) return fromBase64(attr.s);
  if (typeof attr.type === 'string') return { type: attr.type };
  if (attr.shape !== undefined) return { shape: readShape(attr.shape) };
  if (attr.list?.i) return attr.list.i.map(Number);
  if (attr.list?.f) return attr.list.f;
  return { raw: attr };
}

const readShape = (shape: ShapeJson | undefined): number[] => (shape?.dim ?? []).map(({ size }) => Number(size ?? 0));

function readType(type: string | number | undefined): DataType {
  if (type === 'DT_INT32' || type === 'DT_INT64' || type === 3 || type === 9) return 'int32';
  return type === 'DT_BOOL' || type === 10 ? 'bool' : 'float32';
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function fromBase64(text: string | readonly number[]): string {
  const bytes =
    typeof text === 'string'
      ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
      : Uint8Array.from(text);
  return new TextDecoder().decode(bytes);
}
