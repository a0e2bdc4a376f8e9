/** Inputs on which runtimes must agree: a few photos and sentences. Noise where the data are not there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFeeds } from '../../packages/cli/dist/bench-feeds.js';
import { imageFolder, loadTokenizer, parsePreprocessing, textCsv } from '../../packages/data/dist/index.js';
import { shared } from './models.mjs';

/** Photos as the model in this folder wants them. */
export async function photos(model, count) {
  const folder = join(shared, 'data/imagenet-val-650');
  if (!existsSync(folder)) return noise(count);
  const file = join(model, 'preprocessor_config.json');
  const preprocessing = parsePreprocessing(JSON.parse(readFileSync(file, 'utf8')), file);
  return inputsOf(await imageFolder(folder, { preprocessing }), count);
}

/** Pictures of nothing, 224 by 224. */
export function noise(count) {
  const input = { name: 'pixel_values', dtype: 'float32', shape: [1, 3, 224, 224] };
  return Array.from({ length: count }, (_, seed) => randomFeeds([input], 1, seed));
}

/** Sentences as the model in this folder reads them. */
export async function sentences(model, count) {
  const file = join(shared, 'data/sst2/validation.csv');
  if (!existsSync(file)) return [];
  const names = ['input_ids', 'attention_mask', 'token_type_ids'];
  const inputs = names.map((name) => ({ name, dtype: 'int32', shape: [-1, -1] }));
  const tokenizer = await loadTokenizer(model);
  return inputsOf(await textCsv(file, { tokenizer, inputs, labels: ['negative', 'positive'] }), count);
}

async function inputsOf(dataset, count) {
  const found = [];
  for await (const { inputs } of dataset.batches(
    1,
    Array.from({ length: count }, (_, i) => i),
  ))
    found.push(inputs);
  return found;
}
