import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { io } from '@tensorflow/tfjs-core';

/**
 * A model from the browser's IndexedDB or, the first time, from its URL, after which it is kept there. Another version of
 * the model needs another key.
 * @param onProgress told the share that has arrived, from 0 to 1
 */
export async function loadCached(url, key, onProgress) {
  const place = `indexeddb://${key}`;
  if (place in (await io.listModels())) return { model: await loadGraphModel(place), from: 'cache' };
  const model = await loadGraphModel(url, { onProgress });
  await model.save(place);
  return { model, from: 'network' };
}
