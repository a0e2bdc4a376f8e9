import type { Graph } from '@cq/core';
import { checkpoint } from './checkpoint.ts';
import { readConfig, readPreprocessing } from './config.ts';
import type { ModelFiles } from './model-files.ts';
import { readTensors } from './shards.ts';

/** The graph of a Hugging Face model, wherever its files lie. */
export async function importModel(files: ModelFiles): Promise<Graph> {
  const config = await readConfig(files);
  const preprocessing = await readPreprocessing(files);
  const { file, tensors } = await readTensors(files);
  return config.graph(checkpoint(tensors, file), {
    task: config.task,
    ...(config.labels.length > 0 && { labels: config.labels }),
    ...(preprocessing && { preprocessing }),
  });
}
