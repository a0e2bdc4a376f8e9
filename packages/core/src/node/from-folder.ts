import { readFileSync, statSync, type Stats } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { decodeCodes } from '../artifacts/sparse-codes.ts';
import { specBytes } from '../artifacts/weights.ts';
import { checkDocument } from '../from-artifacts.ts';
import { CqError } from '../errors.ts';
import { excerpt } from '../runtime/op.ts';

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
  return { load: async () => decodeCodes(readArtifacts(folder), folder) };
}

/**
 * model.json and its shards. What model.json expects is compared with the sizes of the files before any of them is read.
 * @throws CqError as `fromFolder` does.
 */
export function readArtifacts(folder: string): io.ModelArtifacts {
  const file = join(folder, 'model.json');
  const model = parse(file);
  const { modelTopology, format, generatedBy, convertedBy, signature, userDefinedMetadata } = model;
  const artifacts: io.ModelArtifacts = {
    modelTopology,
    ...(format && { format }),
    ...(generatedBy && { generatedBy }),
    ...(convertedBy && { convertedBy }),
    ...(signature && { signature }),
    ...(userDefinedMetadata && { userDefinedMetadata }),
    weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights),
  };
  checkDocument(artifacts, file);
  const shards = model.weightsManifest.flatMap((group) => groupFiles(folder, group));
  if (new Set(shards).size < shards.length) throw new CqError(`${file}: lists a shard twice`);
  return { ...artifacts, weightData: shards.map((shard) => new Uint8Array(readFileSync(shard)).buffer) };
}

function parse(file: string): ModelJson {
  const found = statOf(file);
  if (!found) throw new CqError(`${file}: does not exist`);
  if (!found.isFile()) throw new CqError(`${file}: must be a file, got a folder or device`); // a pipe would be waited for
  const bytes = readFileSync(file);
  const brackets = bytes.reduce((sum, byte) => sum + Number(byte === 0x7b || byte === 0x5b), 0);
  if (brackets > MOST_BRACKETS)
    throw new CqError(`${file}: must have at most ${count(MOST_BRACKETS)} objects and lists, got ${count(brackets)}`);
  let model: ModelJson;
  try {
    model = JSON.parse(bytes.toString()) as ModelJson;
  } catch (error) {
    const reason = (error as Error).message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '); // it quotes the file
    throw new CqError(`${file}: is not readable JSON (${reason})`);
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

/** Twenty times what the largest Transformers need. An empty object takes 3 bytes in a file, and 64 in memory. */
const MOST_BRACKETS = 1_000_000;

/** The files of one group, whose sizes add up to those of its weights. */
function groupFiles(folder: string, { paths, weights }: io.WeightsManifestConfig[number]): string[] {
  const wanted = weights.reduce((sum, spec) => sum + specBytes(spec, join(folder, 'model.json')), 0);
  const files = paths.map((path) => shardFile(folder, path));
  const found = files.reduce((sum, { size }) => sum + size, 0);
  if (found !== wanted) {
    throw new CqError(
      `${files.at(-1)?.file ?? join(folder, 'model.json')}: ${count(wanted)} bytes expected by model.json, ${count(found)} found; ` +
        (found < wanted ? 'the file is truncated' : 'the file is not of this model'),
    );
  }
  return files.map(({ file }) => file);
}

function shardFile(folder: string, path: string): { readonly file: string; readonly size: number } {
  const inside = normalize(path);
  if (isAbsolute(inside) || inside.startsWith('..')) {
    throw new CqError(`${join(folder, 'model.json')}: shard ${excerpt(path)} lies outside the model's folder`);
  }
  const file = join(folder, inside);
  const found = statOf(file);
  if (!found?.isFile()) {
    throw new CqError(`${join(folder, excerpt(inside).slice(1, -1))}: does not exist, but model.json names it`);
  }
  return { file, size: found.size };
}

/** Undefined also for a name that no file can have. */
function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const count = (bytes: number): string => bytes.toLocaleString('en-US');
