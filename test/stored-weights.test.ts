import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { fromArtifacts, pack } from '@cq/core';
import { fromFolder, readArtifacts } from '@cq/core/node';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { io, setBackend } from '@tensorflow/tfjs-core';
import { attr, bytesOf, converted, type ConvertedNode } from './converter/artifacts.ts';

/** A weight as the converter stores it with --quantize_float16, --quantize_uint8 or --quantize_uint16, and its numbers. */
interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly quantization?: {
    readonly dtype: 'float16' | 'uint8' | 'uint16';
    readonly scale?: number;
    readonly min?: number;
  };
  readonly bytes: ArrayBufferView;
  readonly numbers: readonly number[];
}

const codes = [0, 1, 72, 128, 200, 255];
const wide = [0, 1, 300, 32_768, 65_534, 65_535];
const affine = (values: readonly number[], scale: number, min: number): number[] =>
  values.map((code) => Math.fround(code * scale + min));

const groups: readonly (readonly Stored[])[] = [
  [
    {
      name: 'plain',
      shape: [5],
      dtype: 'float32',
      bytes: Float32Array.of(0.1, -2.5, 1e-30, 3e20, -0),
      numbers: [0.1, -2.5, 1e-30, 3e20, -0].map(Math.fround),
    },
    {
      name: 'half',
      shape: [2, 5],
      dtype: 'float32',
      quantization: { dtype: 'float16' },
      // 1, −2, the largest, the smallest normal, the smallest and the largest subnormal, ⅓, 0, −0, infinity
      bytes: Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x3555, 0, 0x8000, 0x7c00),
      numbers: [1, -2, 65_504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, 0.333251953125, 0, -0, Infinity],
    },
  ],
  [
    {
      name: 'byte',
      shape: [3, 2],
      dtype: 'float32',
      quantization: { dtype: 'uint8', scale: 0.01254902, min: -1.2047059 },
      bytes: Uint8Array.from(codes),
      numbers: affine(codes, 0.01254902, -1.2047059),
    },
    {
      name: 'two_bytes',
      shape: [6],
      dtype: 'float32',
      quantization: { dtype: 'uint16', scale: 0.00005, min: -1.5 },
      bytes: Uint16Array.from(wide),
      numbers: affine(wide, 0.00005, -1.5),
    },
    {
      name: 'integers',
      shape: [6],
      dtype: 'int32',
      quantization: { dtype: 'uint8', scale: 1, min: -3 },
      bytes: Uint8Array.from(codes),
      numbers: codes.map((code) => code - 3),
    },
    { name: 'scalar', shape: [], dtype: 'int32', bytes: Int32Array.of(-7), numbers: [-7] },
  ],
];
const all = groups.flat();

let folder: string;
beforeAll(() => setBackend('cpu'));
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cq-stored-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** One output for each weight. */
const nodes: readonly ConvertedNode[] = all.map(({ name, dtype }) => ({
  name: `${name}/shown`,
  op: 'Identity',
  input: [name],
  attr: { T: { type: dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT' } },
}));
const { modelTopology, signature, format } = converted(
  nodes,
  all.map(({ name, shape, dtype }) => ({
    name,
    shape,
    data: dtype === 'int32' ? new Int32Array() : new Float32Array(),
  })),
  Object.fromEntries(all.map(({ name, shape }) => [`${name}/shown`, shape])),
);

/** Writes the model with shards of so many bytes, which end wherever they are full. */
function write(shardBytes: number): void {
  const weightsManifest = groups.map((weights, group) => {
    const bytes = new Uint8Array(bytesOf(weights.map(({ bytes }) => bytes)));
    const count = Math.ceil(bytes.length / shardBytes);
    const paths = Array.from({ length: count }, (_, i) => `group${group + 1}-shard${i + 1}of${count}.bin`);
    paths.forEach((path, i) => writeFileSync(join(folder, path), bytes.subarray(i * shardBytes, (i + 1) * shardBytes)));
    const specs = weights.map(({ name, shape, dtype, quantization }) => ({
      ...{ name, shape, dtype },
      ...(quantization && { quantization: { ...quantization, original_dtype: dtype } }),
    }));
    return { paths, weights: specs };
  });
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ format, modelTopology, signature, weightsManifest }));
}

test.each([1000, 32, 7])('weights in shards of %i bytes have the numbers that were stored', async (shardBytes) => {
  write(shardBytes);
  const graph = fromArtifacts(readArtifacts(folder), folder);
  const model = await loadGraphModel(fromFolder(folder));
  for (const { name, shape, dtype, numbers } of all) {
    const weight = graph.weights.get(name)!;
    expect(weight).toMatchObject({ dtype, shape });
    expect([...weight.data]).toEqual(numbers);
    expect([...model.weights[name]![0]!.dataSync()]).toEqual(numbers); // so does TensorFlow.js
  }
  model.dispose();
});

test('packed again they are floats with the same numbers', async () => {
  write(1000);
  const artifacts = pack(fromArtifacts(readArtifacts(folder), folder));
  const floats = artifacts.weightSpecs!.filter(({ dtype }) => dtype === 'float32');
  expect(floats.some(({ quantization }) => quantization !== undefined)).toBe(false);
  const model = await loadGraphModel(io.fromMemory(artifacts));
  for (const { name, numbers } of all) expect([...model.weights[name]![0]!.dataSync()]).toEqual(numbers);
  model.dispose();
});

test('a type of TensorFlow.js that no pass can take is refused by name', () => {
  const artifacts = converted(
    [{ name: 'y', op: 'Identity', input: ['w'], attr: { T: attr.float } }],
    [{ name: 'w', shape: [1], data: Float32Array.of(1) }],
    { y: [1] },
  );
  const weightSpecs = [{ name: 'w', shape: [1], dtype: 'complex64' as const }];
  expect(() => fromArtifacts({ ...artifacts, weightSpecs }, 'm')).toThrow(
    'm: weight "w": dtype must be float32, int32 or bool, got "complex64"',
  );
});
