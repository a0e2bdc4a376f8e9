import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@cq/backend-wasm';
import { compress, int8, lower, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { fixture } from './fixture-data.ts';
import { noiseImages } from './noise-images.ts';

/** The script of the README and what it reads, but for a model of 32 × 32 pixels. */
export interface ReadmeProject {
  /** As the README has it. */
  readonly script: string;
  /** What the script may print. */
  readonly labels: readonly string[];
}

/** Writes `out/deit-int8`, `photo.jpg` and the README's script as `readme.mjs` into a folder. */
export async function writeReadmeProject(folder: string): Promise<ReadmeProject> {
  await setBackend('wasm');
  const model = await importHuggingFace(fixture('vit'));
  const preprocessing = {
    do_resize: true,
    size: { height: 32, width: 32 },
    resample: 3,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  };
  const { graph } = await compress(model, int8(), { calibration: noiseImages(8, 32) });
  toFolder(pack(lower(graph).graph, { ...model.metadata, preprocessing }), join(folder, 'out/deit-int8'));
  await sharp({ create: { width: 40, height: 50, channels: 3, background: '#7799aa' } })
    .jpeg()
    .toFile(join(folder, 'photo.jpg'));
  const script = readmeScript();
  writeFileSync(join(folder, 'readme.mjs'), script.replace('224, 224', '32, 32'));
  return { script, labels: model.metadata.labels! };
}

/** The code block behind the comment that names the test. */
function readmeScript(): string {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
  const [, after] = readme.split('<!-- test/packages.test.ts runs this -->');
  return /```js\n([\s\S]*?)```/.exec(after!)![1]!;
}
