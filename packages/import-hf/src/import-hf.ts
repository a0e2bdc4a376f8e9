import type { Graph } from '@cq/core';
import { folderFiles } from './folder-files.ts';
import { importModel } from './import-model.ts';

/**
 * A Hugging Face model → Graph, with the numbers of the original.
 * @param folder Holds config.json and model.safetensors, or its shards with model.safetensors.index.json;
 *   preprocessor_config.json goes to the metadata if it is there.
 * @throws CqError for a model that is not supported, or files that do not fit together.
 */
export const importHuggingFace = (folder: string): Promise<Graph> => importModel(folderFiles(folder));
