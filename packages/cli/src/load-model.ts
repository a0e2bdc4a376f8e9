import { join } from 'node:path';
import { CqError, fromArtifacts, type Graph } from '@cq/core';
import { readArtifacts } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import { kindAt, type Kind } from './kind-at.ts';

/** MODEL of every command: a TensorFlow.js folder with model.json, or a Hugging Face folder with config.json. */
export async function loadModel(model: string): Promise<Graph> {
  const file = join(model, 'model.json');
  if (kindAt(file) === 'a file') return fromArtifacts(readArtifacts(model), file);
  if (kindAt(join(model, 'config.json')) === 'a file') return importHuggingFace(model);
  throw new CqError(
    `${model}: a folder with model.json (TensorFlow.js) or config.json (Hugging Face) is expected, got ${found[kindAt(model)]}; check the path`,
  );
}

const found: Readonly<Record<Kind, string>> = {
  nothing: 'nothing there',
  'a file': 'a file',
  'a folder': 'a folder with neither',
};
