import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@cq/backend-wasm';
import { compress, int8, lower, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { noiseImages } from './noise-images.ts';

const root = join(__dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'cq-readme-'));
const script = join(__dirname, `.readme-${process.pid}.mjs`);
afterAll(() => {
  rmSync(scratch, { recursive: true });
  rmSync(script, { force: true });
});

/** The code block behind the comment that names this test. */
function block(): string {
  const [, after] = readFileSync(join(root, 'README.md'), 'utf8').split('<!-- test/readme.test.ts runs this -->');
  return /```js\n([\s\S]*?)```/.exec(after!)![1]!;
}

test('the script of the README loads a compressed model and classifies a photo', async () => {
  await setBackend('wasm');
  const model = await importHuggingFace(join(__dirname, 'fixtures/parity/vit'));
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
  toFolder(pack(lower(graph).graph, { ...model.metadata, preprocessing }), join(scratch, 'model'));
  await sharp({ create: { width: 40, height: 50, channels: 3, background: '#7799aa' } })
    .jpeg()
    .toFile(join(scratch, 'photo.jpg'));

  const text = block();
  expect(text.trim().split('\n').length).toBeLessThanOrEqual(13);
  for (const expected of ["'out/deit-int8'", "'photo.jpg'", '224, 224']) expect(text).toContain(expected);
  writeFileSync(
    script,
    text
      .replace("'out/deit-int8'", JSON.stringify(join(scratch, 'model')))
      .replace("'photo.jpg'", JSON.stringify(join(scratch, 'photo.jpg')))
      .replace('224, 224', '32, 32'),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect(stderr).not.toMatch(/Error/);
  expect(status).toBe(0);
  expect(model.metadata.labels).toContain(stdout.trim().split('\n').at(-1));
});
