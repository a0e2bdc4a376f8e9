/**
 * Compresses a small model in a process that may be killed:
 *
 *     resume-child.ts FOLDER      → FOLDER/model, FOLDER/report.json; until then FOLDER/run
 */
import './quiet.cjs';
import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compress, lower, pack } from '@cq/core';
import { folderStore, toFolder } from '@cq/core/node';
import { setBackend } from '@tensorflow/tfjs-core';
import { noiseImages } from './noise-images.ts';
import { recipe } from './resume-passes.ts';
import { tinyViT } from './tiny-vit.ts';

const [folder] = process.argv.slice(2) as [string];
await setBackend('cpu');
const images = noiseImages(4, 8);
const calibration: typeof images = {
  ...images,
  async *batches(...given) {
    for await (const { inputs } of images.batches(...given)) yield { inputs: { pixels: inputs['pixel_values']! } };
  },
};
const { graph, report } = await compress(tinyViT({}, 1), recipe(), {
  ...{ calibration, seed: 3 },
  store: folderStore(join(folder, 'run')),
});
toFolder(pack(lower(graph).graph), join(folder, 'model'));
writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
