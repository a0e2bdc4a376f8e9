import { decompose, toArtifacts, type Graph } from '@cq/core';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkpoint } from '../checkpoint.ts';
import { parseConfig } from '../config.ts';
import { readSafetensors } from '../read-safetensors.ts';
import type { Tensor } from '../safetensors.ts';

export type Tensors = ReadonlyMap<string, Tensor>;
export type Json = Readonly<Record<string, unknown>>;

export interface Fixture {
  readonly json: Json;
  readonly tensors: Tensors;
  /** What Transformers computed: `input.*`, `output.*`, `hidden.*`. */
  readonly expected: Tensors;
}

const fixtures = new URL('../../../../test/fixtures/parity/', import.meta.url);

export async function fixture(name: string): Promise<Fixture> {
  const read = async (file: string): Promise<Tensors> =>
    (await readSafetensors(fileURLToPath(new URL(`${name}/${file}.safetensors`, fixtures)))).tensors;
  const json = JSON.parse(readFileSync(new URL(`${name}/config.json`, fixtures), 'utf8')) as Json;
  return { json, tensors: await read('model'), expected: await read('expected') };
}

/** Errors call the checkpoint `m`. */
export const graphOf = (json: Json, tensors: Tensors): Graph => parseConfig(json).graph(checkpoint(tensors, 'm'), {});

/** Changes names (or drops tensors, for undefined) as a function of the old name. */
export const renamed = (tensors: Tensors, rename: (name: string) => string | undefined): Map<string, Tensor> =>
  new Map([...tensors].flatMap(([name, tensor]) => (rename(name) === undefined ? [] : [[rename(name)!, tensor]])));

/** Values of a graph on the wasm backend. */
export async function run(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  value: string,
): Promise<Float32Array> {
  await tf.setBackend('wasm');
  const model = loadGraphModelSync(tf.io.fromMemorySync(toArtifacts(decompose(graph))));
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, dtype }) => [name, tf.tensor(inputs[name]!.data, [...inputs[name]!.shape], dtype)]),
  );
  const result = model.execute(feeds, value) as tf.Tensor;
  const data = result.dataSync() as Float32Array;
  tf.dispose([feeds, result]);
  model.dispose();
  return data;
}

export function expectClose(actual: Float32Array, expected: ArrayLike<number>, digits = 4): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  expect(worst).toBeLessThan(10 ** -digits);
}

/** Numbers that look random and are the same in every run. */
export function noise(shape: readonly number[], seed: number, size = 1): { shape: number[]; data: Float32Array } {
  const length = shape.reduce((product, side) => product * side, 1);
  let state = seed * 2654435761;
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 31 - 1;
  };
  return { shape: [...shape], data: Float32Array.from({ length }, () => size * next()) };
}
