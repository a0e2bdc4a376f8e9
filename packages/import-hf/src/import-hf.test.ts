import { CqError } from '@cq/core';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importHuggingFace } from './index.ts';

const root = new URL('../../../', import.meta.url);
const fixture = fileURLToPath(new URL('test/fixtures/parity/vit', root));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-hf-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the metadata say what a page needs: task, labels, preprocessing', async () => {
  await cp(fixture, folder, { recursive: true });
  await writeFile(join(folder, 'preprocessor_config.json'), '{"do_resize": true, "size": {"height": 32, "width": 32}}');
  const { metadata } = await importHuggingFace(folder);
  expect(metadata).toEqual({
    task: 'image-classification',
    labels: ['LABEL_0', 'LABEL_1', 'LABEL_2', 'LABEL_3', 'LABEL_4', 'LABEL_5', 'LABEL_6'],
    preprocessing: { do_resize: true, size: { height: 32, width: 32 } },
  });
  expect((await importHuggingFace(fixture)).metadata).not.toHaveProperty('preprocessing');
});

test('a file that is missing or damaged is named', async () => {
  const failure = async (): Promise<string> => {
    const error = await importHuggingFace(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CqError);
    return (error as CqError).message;
  };
  expect(await failure()).toMatch(/config\.json: does not exist; a Hugging Face folder has config\.json and model/);
  await writeFile(join(folder, 'config.json'), '{');
  expect(await failure()).toMatch(/config\.json: must be JSON, got /);
  await writeFile(join(folder, 'config.json'), '[]');
  expect(await failure()).toMatch(/config\.json: must be a JSON object, got \[\]/);
  await cp(join(fixture, 'config.json'), join(folder, 'config.json'));
  expect(await failure()).toMatch(/model\.safetensors: does not exist/);
  await cp(join(fixture, 'model.safetensors'), join(folder, 'model.safetensors'));
  await writeFile(join(folder, 'preprocessor_config.json'), 'null');
  expect(await failure()).toMatch(/preprocessor_config\.json: must be a JSON object, got null/);
});

/** Large files live beside the repository, not in it. */
const deit = fileURLToPath(new URL('../shared/models/deit-tiny-patch16-224', root));
const present = existsSync(deit);
if (!present) process.stdout.write('skipped: DeiT-Tiny is not in ../shared/models/deit-tiny-patch16-224\n');

(present ? test : test.skip)('DeiT-Tiny of facebook has 5.7 million parameters', async () => {
  const begun = performance.now();
  const { weights, metadata } = await importHuggingFace(deit);
  process.stdout.write(`DeiT-Tiny imported in ${(performance.now() - begun).toFixed(0)} ms\n`);
  const floats = [...weights.values()].filter(({ dtype }) => dtype === 'float32');
  // 5,717,416 as published, less the class token (192), which is part of the positions.
  expect(floats.reduce((sum, { data }) => sum + data.length, 0)).toBe(5_717_416 - 192);
  expect(metadata.labels).toHaveLength(1000);
  expect(metadata.preprocessing).toMatchObject({ image_mean: [0.485, 0.456, 0.406] });
});
