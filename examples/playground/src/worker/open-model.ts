import { CqError, decodeCodes, fromArtifacts, type Graph } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf/browser';
import { io } from '@tensorflow/tfjs-core';
import type { Given } from '../protocol.ts';

/** A TensorFlow.js graph model, or the folder of a Hugging Face model. */
export async function openModel({ name, files }: Given): Promise<Graph> {
  if (files.has('model.json')) {
    const artifacts = decodeCodes(await artifactsOf({ name, files }), name);
    return withPreprocessing(fromArtifacts(artifacts, name), files.get('preprocessor_config.json'));
  }
  if (files.has('config.json')) return importHuggingFace(name, files);
  throw new CqError(
    `${name}: model.json, or config.json with model.safetensors, is expected, got neither; drop the whole folder`,
  );
}

async function artifactsOf({ name, files }: Given): Promise<io.ModelArtifacts> {
  const json = await jsonOf(files.get('model.json')!, `${name}/model.json`);
  return io.getModelArtifactsForJSON(json as unknown as io.ModelJSON, async (manifest) => {
    const shards = manifest.flatMap(({ paths }) => paths).map((path) => shardOf({ name, files }, path));
    const specs = manifest.flatMap(({ weights }) => weights);
    return [specs, io.concatenateArrayBuffers(await Promise.all(shards))];
  });
}

async function shardOf({ name, files }: Given, path: string): Promise<ArrayBuffer> {
  const shard = files.get(path);
  if (!shard) throw new CqError(`${name}: "${path}" is listed in model.json, and was not given; drop the whole folder`);
  return shard.arrayBuffer();
}

async function jsonOf(file: Blob, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return JSON.parse(await file.text()) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new CqError(`${path}: is not JSON: ${(cause as Error).message}; is the file whole?`, { cause });
  }
}

/** Graph models that others made do not say how images become their input; a file beside them may. */
async function withPreprocessing(graph: Graph, file: Blob | undefined): Promise<Graph> {
  if (!file || graph.metadata.preprocessing) return graph;
  const preprocessing = await jsonOf(file, 'preprocessor_config.json');
  return { ...graph, metadata: { ...graph.metadata, preprocessing } };
}
