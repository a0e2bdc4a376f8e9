import { CqError, fromArtifacts, type Graph } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf/browser';
import { io } from '@tensorflow/tfjs-core';
import type { Given } from '../protocol.ts';

/** A TensorFlow.js graph model, or the folder of a Hugging Face model. */
export async function openModel({ name, files }: Given): Promise<Graph> {
  if (files.has('model.json')) return fromArtifacts(await artifactsOf(files), name);
  if (files.has('config.json')) return importHuggingFace(name, files);
  throw new CqError(
    `${name}: model.json, or config.json with model.safetensors, is expected, got neither; drop the whole folder`,
  );
}

/** The shards by the order in which model.json lists them. */
function artifactsOf(files: Given['files']): Promise<io.ModelArtifacts> {
  const given = [...files].filter(([path]) => path === 'model.json' || path.endsWith('.bin'));
  return io.browserFiles(given.map(([path, blob]) => new File([blob], path.split('/').at(-1)!))).load!();
}
