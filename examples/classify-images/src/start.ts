/** `start.js [--model DIR] [--calibration DIR] [--out DIR] [IMAGE …]`: a Vision Transformer in 8 bits beside the original. */
import '@cq/backend-wasm';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compress, int8, lower, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { imageFolder, parsePreprocessing, sample } from '@cq/data';
import { importHuggingFace } from '@cq/import-hf';
import { imageClassifier } from '@cq/tasks';
import { setBackend } from '@tensorflow/tfjs-core';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: join(root, '../shared/models/deit-tiny-patch16-224') },
    calibration: { type: 'string', default: join(root, '../shared/data/imagenet-calibration-1000') },
    out: { type: 'string', default: join(root, 'out/classify-images') },
  },
});
const images = positionals.length > 0 ? positionals : lastOf(values.calibration, 3);

await setBackend('wasm');
const model = await importHuggingFace(values.model);
const preprocessing = parsePreprocessing(model.metadata.preprocessing, `${values.model}/preprocessor_config.json`);
const photos = await imageFolder(values.calibration, { preprocessing });
const { graph } = await compress(model, int8(), {
  calibration: sample(photos, Math.min(128, photos.size), 1),
  seed: 1,
});
const folders = [join(values.out, 'float'), join(values.out, 'int8')] as const;
toFolder(pack(model), folders[0]);
toFolder(pack(lower(graph).graph), folders[1]);

for (const folder of folders) {
  const classify = await imageClassifier(folder, { top: 1 });
  for (const image of images) {
    const start = performance.now();
    const [best] = await classify(image);
    const took = (performance.now() - start).toFixed(0);
    console.log(`${basename(folder)}  ${basename(image)}: ${best!.label}, ${best!.score.toFixed(2)}  (${took} ms)`);
  }
  classify.dispose();
}

/** The last images of a folder, by name. */
function lastOf(folder: string, count: number): string[] {
  const names = readdirSync(folder).filter((name) => /\.(jpe?g|png|webp)$/i.test(name));
  return names.slice(-count).map((name) => join(folder, name));
}
