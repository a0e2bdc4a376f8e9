import type { io } from '@tensorflow/tfjs-core';

/** What browsers cache of one file. */
const SHARD_BYTES = 4 * 2 ** 20;

/** The files of a packed model by name, as `tf.loadGraphModel` fetches them. */
export function modelFiles(artifacts: io.ModelArtifacts): Map<string, Uint8Array> {
  const { weightData, weightSpecs = [], ...rest } = artifacts;
  const bytes = new Uint8Array(weightData as ArrayBuffer);
  const count = Math.ceil(bytes.length / SHARD_BYTES);
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    files.set(`group1-shard${i + 1}of${count}.bin`, bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
  }
  const weightsManifest = [{ paths: [...files.keys()], weights: weightSpecs }];
  return files.set('model.json', new TextEncoder().encode(JSON.stringify({ ...rest, weightsManifest })));
}
