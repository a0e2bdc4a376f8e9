import type { io } from '@tensorflow/tfjs-core';

/** A node as tensorflowjs_converter writes it into model.json: integers as strings, texts in base64. */
export interface ConvertedNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, unknown>>;
}

export interface ConvertedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Attributes in the forms of GraphDef's JSON. */
export const attr = {
  float: { type: 'DT_FLOAT' },
  text: (value: string) => ({ s: btoa(value) }),
  texts: (...values: readonly string[]) => ({ list: { s: values.map((value) => btoa(value)) } }),
  integer: (value: number) => ({ i: String(value) }),
  integers: (...values: readonly number[]) => ({ list: { i: values.map(String) } }),
  number: (value: number) => ({ f: value }),
  flag: (value: boolean) => ({ b: value }),
  shape: (...sizes: readonly number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } }),
} as const;

const types = { float32: 'DT_FLOAT', int32: 'DT_INT32' } as const;
const dtypeOf = ({ data }: ConvertedWeight) => (data instanceof Float32Array ? 'float32' : 'int32');

/** What tf.loadGraphModel reads from the converter's model.json and its one shard; outputs are nodes with their shapes. */
export function converted(
  nodes: readonly ConvertedNode[],
  weights: readonly ConvertedWeight[],
  outputs: Readonly<Record<string, readonly number[]>>,
  library: unknown = {},
): io.ModelArtifacts {
  const constants = weights.map((weight): ConvertedNode => {
    const dtype = types[dtypeOf(weight)];
    const tensorShape = attr.shape(...weight.shape).shape;
    return {
      name: weight.name,
      op: 'Const',
      attr: { dtype: { type: dtype }, value: { tensor: { dtype, tensorShape } } },
    };
  });
  return {
    format: 'graph-model',
    generatedBy: '2.16.1',
    convertedBy: 'TensorFlow.js Converter v4.22.0',
    modelTopology: { node: [...constants, ...nodes], library, versions: { producer: 1766 } },
    signature: {
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([name, sizes]) => [
          name,
          { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: attr.shape(...sizes).shape },
        ]),
      ),
    },
    weightSpecs: weights.map((weight) => ({ name: weight.name, shape: [...weight.shape], dtype: dtypeOf(weight) })),
    weightData: bytesOf(weights.map(({ data }) => data)),
  };
}

/** The bytes of arrays one after the other. */
export function bytesOf(arrays: readonly ArrayBufferView[]): ArrayBuffer {
  return new Uint8Array(
    Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
  ).buffer;
}
