import type { Graph } from '@cq/core';
import { checkpoint } from './checkpoint.ts';
import { readConfig, readPreprocessing } from './config.ts';
import { readTensors } from './shards.ts';

/**
 * A Hugging Face model → Graph, with the numbers of the original.
 * @param folder Holds config.json and model.safetensors, or its shards with model.safetensors.index.json;
 *   preprocessor_config.json goes to the metadata if it is there.
 * @throws CqError for a model that is not supported, or files that do not fit together.
 */
export async function importHuggingFace(folder: string): Promise<Graph> {
  const config = await readConfig(folder);
  const preprocessing = await readPreprocessing(folder);
  const { file, tensors } = await readTensors(folder);
  return config.graph(checkpoint(tensors, file), {
    task: config.task,
    ...(config.labels.length > 0 && { labels: config.labels }),
    ...(preprocessing && { preprocessing }),
  });
}
