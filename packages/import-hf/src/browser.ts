import type { Graph } from '@cq/core';
import { blobFiles } from './blob-files.ts';
import { importModel } from './import-model.ts';

/**
 * A Hugging Face model whose files a page was given → Graph, with the numbers of the original.
 * @param folder What errors call the place where the files were.
 * @param files By name: config.json and model.safetensors, or its shards with model.safetensors.index.json;
 *   preprocessor_config.json goes to the metadata if it is there.
 * @throws CqError for a model that is not supported, or files that do not fit together.
 */
export const importHuggingFace = (folder: string, files: ReadonlyMap<string, Blob>): Promise<Graph> =>
  importModel(blobFiles(folder, files));
