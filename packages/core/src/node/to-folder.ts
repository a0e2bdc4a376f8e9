import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { joined } from '../artifacts/weights.ts';
import { CqError } from '../errors.ts';

/** The size of a shard, as TensorFlow's converter has it: browsers cache files of 4 MB. */
const SHARD_BYTES = 4 * 2 ** 20;

/** Writes a model as `model.json` and shards. All of it is there in the end, or nothing of it. */
export function toFolder(artifacts: io.ModelArtifacts, folder: string): void {
  writeFolder(folder, modelFiles(artifacts));
}

/** The files of a model by name. */
export function modelFiles(artifacts: io.ModelArtifacts): Map<string, string | Uint8Array> {
  const files = new Map<string, string | Uint8Array>();
  const bytes = joined(artifacts.weightData);
  const shards = Math.ceil(bytes.length / SHARD_BYTES);
  for (let i = 0; i < shards; i++) {
    files.set(`group1-shard${i + 1}of${shards}.bin`, bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
  }
  const { weightData: _, weightSpecs = [], ...rest } = artifacts;
  const weightsManifest = [{ paths: [...files.keys()], weights: weightSpecs }];
  files.set('model.json', JSON.stringify({ ...rest, weightsManifest }));
  return files;
}

/**
 * Puts files into a folder that is new or was written by this before: first into a temporary sibling, which is renamed
 * when all of it is there.
 * @throws CqError as `checkTarget` does.
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  checkTarget(folder);
  const target = resolve(folder);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  rmSync(temporary, { recursive: true, force: true });
  try {
    mkdirSync(temporary, { recursive: true });
    for (const [name, content] of files) writeFileSync(join(temporary, name), content);
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Says before the work, not after it, whether `writeFolder` may write there.
 * @throws CqError if the path leads through a file, or the folder holds something that no model has.
 */
export function checkTarget(folder: string): void {
  let nearest = resolve(folder);
  while (!existsSync(nearest)) nearest = dirname(nearest);
  if (!statSync(nearest).isDirectory()) {
    throw new CqError(`${folder}: a folder is expected to write to, got a file at ${nearest}; choose another`);
  }
  if (nearest !== resolve(folder)) return;
  const foreign = readdirSync(nearest).find((name) => !ours.test(name));
  if (foreign !== undefined) {
    throw new CqError(`${folder}: holds "${foreign}", which is not of a model; choose an empty or a new folder`);
  }
}

/** What a model's folder holds, and writing one may replace. */
const ours = /^(model\.json|recipe\.json|group\d+-shard\d+of\d+\.bin|report\.(json|html)|tokenizer(_config)?\.json)$/;
