import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import { loadTokenizer } from './load-tokenizer.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'cq-tokenizer-'))));
afterEach(() => rm(folder, { recursive: true }));

async function refusal(): Promise<string> {
  const error: unknown = await loadTokenizer(folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  return (error as CqError).message.replaceAll(folder, 'model');
}

test('a missing file is named, with the way out', async () => {
  expect(await refusal()).toBe(
    'model/tokenizer.json: is needed to read text, got nothing there; copy it from the folder of the original model',
  );
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  expect(await refusal()).toMatch(/^model\/tokenizer_config\.json: is needed to read text, got nothing there; /);
});

test('a file that is no JSON is named', async () => {
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  await writeFile(join(folder, 'tokenizer_config.json'), '{');
  expect(await refusal()).toMatch(/^model\/tokenizer_config\.json: must be JSON, got .+; copy it/);
});
