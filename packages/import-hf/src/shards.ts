import { CqError } from '@cq/core';
import { excerpt } from './excerpt.ts';
import { readJsonFile, type JsonFile } from './json-file.ts';
import type { ModelFiles } from './model-files.ts';
import { repeatedKey } from './repeated-key.ts';
import { parseSafetensors, type Tensor } from './safetensors.ts';

/** The tensors of a folder, and the file that errors about them name. */
export interface Tensors {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Reads model.safetensors or, where there is none, the shards that model.safetensors.index.json lists. The index decides
 * which shard has which tensor; a tensor elsewhere, twice or nowhere is an error.
 * @throws CqError that names the file and the tensor.
 */
export async function readTensors(files: ModelFiles): Promise<Tensors> {
  const file = files.pathOf(indexName);
  const index = files.has(wholeName) ? undefined : await readJsonFile(files, indexName);
  if (!index) return { file: files.pathOf(wholeName), tensors: await tensorsIn(files, wholeName) };

  const places = readIndex(index, file); // tensor → shard
  const tensors = new Map<string, Tensor>();
  for (const shard of new Set(places.values())) {
    const path = files.pathOf(shard);
    const found = await tensorsIn(files, shard);
    for (const [name, tensor] of found) {
      const place = places.get(name);
      if (place === undefined)
        throw new CqError(`${path}: tensor "${name}" must be listed in ${indexName}, got no entry`);
      if (place !== shard)
        throw new CqError(`${path}: tensor "${name}" must be in ${place} by ${indexName}, got it here`);
      tensors.set(name, tensor);
    }
    for (const [name, place] of places) {
      if (place === shard && !found.has(name)) {
        throw new CqError(`${path}: tensor "${name}" must be here by ${indexName}, got no such tensor`);
      }
    }
  }
  return { file, tensors };
}

const wholeName = 'model.safetensors';
const indexName = 'model.safetensors.index.json';

async function tensorsIn(files: ModelFiles, name: string): Promise<ReadonlyMap<string, Tensor>> {
  const opened = await files.open(name);
  try {
    return (await parseSafetensors(files.pathOf(name), opened)).tensors;
  } finally {
    await opened.close();
  }
}

function readIndex({ json, text }: JsonFile, file: string): Map<string, string> {
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new CqError(`${file}: every name must be unique, got "${repeated}" twice`);
  const map = json['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new CqError(`${file}: weight_map must map tensors to files, got ${excerpt(map)}`);
  }
  const places = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !shardName.test(shard)) {
      throw new CqError(
        `${file}: tensor "${name}" must be in a .safetensors file of this folder, got ${excerpt(shard)}; write its name without a path`,
      );
    }
    places.set(name, shard);
  }
  if (places.size === 0) throw new CqError(`${file}: weight_map must list at least one tensor, got {}`);
  return places;
}

/** A plain name: no folder above, beside or below this one. */
const shardName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors$/;
