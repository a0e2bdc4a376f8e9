import { CqError, executor } from '@cq/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
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

test.each([
  ['bert', 'text-classification', 6],
  ['swin', 'image-classification', 7],
  ['yolos', 'object-detection', 7],
])('%s is for %s', async (name, task, labels) => {
  const { metadata } = await importHuggingFace(fileURLToPath(new URL(`test/fixtures/parity/${name}`, root)));
  expect(metadata.task).toBe(task);
  expect(metadata.labels).toHaveLength(labels);
});

/** Large files live beside the repository, not in it. */
const real = (name: string): { folder: string; run: typeof test } => {
  const folder = fileURLToPath(new URL(`../shared/models/${name}`, root));
  const present = existsSync(folder);
  if (!present) process.stdout.write(`skipped: ${name} is not in ../shared/models\n`);
  return { folder, run: (present ? test : test.skip) as typeof test };
};

const deit = real('deit-tiny-patch16-224');
deit.run('DeiT-Tiny of facebook has 5.7 million parameters', async () => {
  const begun = performance.now();
  const { weights, metadata } = await importHuggingFace(deit.folder);
  process.stdout.write(`DeiT-Tiny imported in ${(performance.now() - begun).toFixed(0)} ms\n`);
  const floats = [...weights.values()].filter(({ dtype }) => dtype === 'float32');
  // 5,717,416 as published, less the class token (192), which is part of the positions.
  expect(floats.reduce((sum, { data }) => sum + data.length, 0)).toBe(5_717_416 - 192);
  expect(metadata.labels).toHaveLength(1000);
  expect(metadata.preprocessing).toMatchObject({ image_mean: [0.485, 0.456, 0.406] });
});

describe.each([
  ['minilm-l6-sst2', { task: 'text-classification', labels: ['negative', 'positive'] }, [2, 2]],
  [
    'bengali-bert-mini',
    { task: 'text-classification', labels: ['anger', 'disgust', 'fear', 'joy', 'sadness', 'surprise'] },
    [2, 6],
  ],
  ['bengali-bert-mini-mlm', { task: 'fill-mask' }, [2, 5, 8192]],
])('%s', (name, metadata, shape) => {
  const { folder, run } = real(name);
  run('imports and runs, with numbers that do not depend on padding', async () => {
    await tf.setBackend('wasm');
    const graph = await importHuggingFace(folder);
    expect(graph.metadata).toEqual(metadata);
    const model = executor(graph);
    const logits = (rows: readonly (readonly number[])[]): tf.Tensor => {
      const input = (value: (id: number) => number) => ({
        ...{ dtype: 'int32' as const, shape: [rows.length, rows[0]!.length] },
        data: Int32Array.from(rows.flat(), value),
      });
      return model.run({
        input_ids: input((id) => id),
        attention_mask: input((id) => Number(id > 0)),
        token_type_ids: input(() => 0),
      })[0]!;
    };
    const [batch, alone] = [logits([[2, 90, 700, 41, 3], [2, 8000, 3, 0, 0]]), logits([[2, 8000, 3]])]; // prettier-ignore
    expect(batch.shape).toEqual(shape);
    const [padded, single] = [batch.dataSync(), alone.dataSync()];
    expect(padded.every(Number.isFinite)).toBe(true);
    const second = padded.subarray(padded.length / 2);
    single.forEach((value, i) => expect(Math.abs(second[i]! - value)).toBeLessThan(1e-4));
    tf.dispose([batch, alone]);
    model.dispose();
  });
});
