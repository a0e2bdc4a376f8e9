import { join } from 'node:path';
import type { Graph } from '@cq/core';
import { checkpoint } from './checkpoint.ts';
import { readConfig, readPreprocessing } from './config.ts';
import { readSafetensors } from './safetensors.ts';
import { vit } from './vit.ts';

/**
 * A Hugging Face model → Graph, with the numbers of the original.
 * @param folder Holds config.json and model.safetensors; preprocessor_config.json goes to the metadata if it is there.
 * @throws CqError for a model that is not supported, or files that do not fit together.
 */
export async function importHuggingFace(folder: string): Promise<Graph> {
  const config = await readConfig(folder);
  const preprocessing = await readPreprocessing(folder);
  const file = join(folder, 'model.safetensors');
  const { tensors } = await readSafetensors(file);
  return vit(config, checkpoint(tensors, file), {
    ...(config.labels.length > 0
      ? { task: 'image-classification', labels: config.labels }
      : { task: 'image-feature-extraction' }),
    ...(preprocessing && { preprocessing }),
  });
}
