import { readFileSync, statSync } from 'node:fs';
import { join, normalize, isAbsolute } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { CqError } from '../errors.ts';

/** The part of a model.json that says where the weights are. */
interface ModelJson extends io.ModelJSON {
  readonly weightsManifest: io.WeightsManifestConfig;
}

/**
 * A model folder on disk as TensorFlow.js takes it: `tf.loadGraphModel(fromFolder('out/deit-int8'))`. Pure TensorFlow.js
 * has no `file://` in Node.
 * @throws CqError on load if model.json or a shard is missing, malformed, of the wrong length, or outside the folder.
 */
export function fromFolder(folder: string): io.IOHandler {
  return { load: () => Promise.resolve(readArtifacts(folder)) };
}

/** model.json and its shards, checked against each other. */
export function readArtifacts(folder: string): io.ModelArtifacts {
  const file = join(folder, 'model.json');
  const model = parse(file);
  const shards: Uint8Array[] = [];
  for (const { paths, weights } of model.weightsManifest) {
    const wanted = weights.reduce((sum, { shape, dtype, quantization }) => {
      return sum + shape.reduce((product, size) => product * size, 1) * width(quantization?.dtype ?? dtype);
    }, 0);
    const read = paths.map((path) => readShard(folder, path));
    const found = read.reduce((sum, { length }) => sum + length, 0);
    if (found !== wanted) {
      throw new CqError(
        `${join(folder, paths.at(-1) ?? '')}: ${count(wanted)} bytes expected by model.json, ${count(found)} found; ` +
          (found < wanted ? 'the file is truncated' : 'the file is not of this model'),
      );
    }
    shards.push(...read);
  }
  const { modelTopology, format, generatedBy, convertedBy, signature, userDefinedMetadata } = model;
  return {
    modelTopology,
    ...(format && { format }),
    ...(generatedBy && { generatedBy }),
    ...(convertedBy && { convertedBy }),
    ...(signature && { signature }),
    ...(userDefinedMetadata && { userDefinedMetadata }),
    weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights),
    weightData: shards.map((shard) => new Uint8Array(shard).buffer),
  };
}

function parse(file: string): ModelJson {
  let model: ModelJson;
  try {
    model = JSON.parse(readFileSync(file, 'utf8')) as ModelJson;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CqError(
      missing ? `${file}: does not exist` : `${file}: is not readable JSON (${(error as Error).message})`,
    );
  }
  if (!Array.isArray(model?.weightsManifest)) throw new CqError(`${file}: weightsManifest must be a list`);
  for (const group of model.weightsManifest) {
    const sound =
      Array.isArray(group?.paths) &&
      Array.isArray(group.weights) &&
      group.paths.every((path) => typeof path === 'string') &&
      group.weights.every(
        (spec) =>
          typeof spec?.name === 'string' &&
          Array.isArray(spec.shape) &&
          spec.shape.every((size) => Number.isSafeInteger(size) && size >= 0),
      );
    if (!sound)
      throw new CqError(`${file}: every group of weightsManifest needs paths, and weights with name, shape and dtype`);
  }
  return model;
}

function readShard(folder: string, path: string): Uint8Array {
  const inside = normalize(path);
  if (isAbsolute(inside) || inside.startsWith('..')) {
    throw new CqError(`${join(folder, 'model.json')}: shard "${path}" lies outside the model's folder`);
  }
  const file = join(folder, inside);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new CqError(`${file}: does not exist, but model.json names it`);
  return readFileSync(file);
}

const width = (dtype: string): number => ({ bool: 1, uint8: 1, uint16: 2, float16: 2 })[dtype] ?? 4;

const count = (bytes: number): string => bytes.toLocaleString('en-US');
