import { CqError } from '@cq/core';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importHuggingFace, readSafetensors, writeSafetensors, type Tensor } from './index.ts';
import { folderFiles } from './folder-files.ts';
import { readTensors } from './shards.ts';
import { fixture } from './testing/fixture.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shards-'));
});
afterEach(() => rm(folder, { recursive: true }));

const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const tensor = (value: number): Tensor => ({ shape: [1], data: Float32Array.of(value) });

const shard = (name: string, tensors: Readonly<Record<string, Tensor>>): Promise<void> =>
  writeFile(join(folder, name), writeSafetensors(new Map(Object.entries(tensors))));
const index = (json: unknown): Promise<void> =>
  writeFile(
    join(folder, 'model.safetensors.index.json'),
    typeof json === 'string' ? json : JSON.stringify({ metadata: { total_size: 8 }, weight_map: json }),
  );

test('a model in shards is the model in one file', async () => {
  const { json, tensors } = await fixture('bert');
  await writeFile(join(folder, 'config.json'), JSON.stringify(json));
  const entries = [...tensors];
  const parts = [entries.slice(0, 20), entries.slice(20)];
  for (const [i, part] of parts.entries()) await shard([first, second][i]!, Object.fromEntries(part));
  await index(Object.fromEntries(parts.flatMap((part, i) => part.map(([name]) => [name, [first, second][i]]))));
  const sharded = await importHuggingFace(folder);
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors(tensors));
  const whole = await importHuggingFace(folder);
  expect([...sharded.weights]).toEqual([...whole.weights]);
});

test('the file in one piece comes first', async () => {
  await shard('model.safetensors', { a: tensor(1) });
  await index('not even JSON');
  const { file, tensors } = await readTensors(folderFiles(folder));
  expect(file).toBe(join(folder, 'model.safetensors'));
  expect(tensors).toEqual((await readSafetensors(file)).tensors);
});

test.each<[string, unknown, string]>([
  [
    'a path upwards',
    { a: '../model.safetensors' },
    'tensor "a" must be in a .safetensors file of this folder, got "../',
  ],
  [
    'an absolute path',
    { a: '/etc/x.safetensors' },
    'tensor "a" must be in a .safetensors file of this folder, got "/etc',
  ],
  ['a path of Windows', { a: '..\\x.safetensors' }, 'must be in a .safetensors file of this folder, got "..'],
  ['a folder below', { a: 'b/x.safetensors' }, 'must be in a .safetensors file of this folder, got "b/x'],
  ['a name that ends early', { a: `x\0.safetensors` }, 'must be in a .safetensors file of this folder, got "x'],
  ['another kind of file', { a: 'pytorch_model.bin' }, 'must be in a .safetensors file of this folder, got "pytorch'],
  ['no name', { a: 1 }, 'must be in a .safetensors file of this folder, got 1; write its name without a path'],
  ['no map', null, 'weight_map must map tensors to files, got null'],
  ['a list', ['a'], 'weight_map must map tensors to files, got ["a"]'],
  ['an empty map', {}, 'weight_map must list at least one tensor, got {}'],
  ['a broken file', '{"weight_map": ', 'must be JSON, got '],
  ['a key twice', `{"weight_map": {"a": "${first}", "a": "${second}"}}`, 'every name must be unique, got "a" twice'],
])('%s in the index', async (_, json, message) => {
  await index(json);
  const error = await readTensors(folderFiles(folder)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  expect((error as CqError).message).toContain(message);
  expect((error as CqError).message).toContain(`${join(folder, 'model.safetensors.index.json')}: `);
});

test.each<[string, Record<string, string>, string]>([
  ['a shard is missing', { a: first, b: second, c: 'x.safetensors' }, 'x.safetensors: does not exist'],
  [
    'a tensor is in the index, not in its shard',
    { a: first, b: second, c: first },
    `${first}: tensor "c" must be here by`,
  ],
  ['a tensor is in its shard, not in the index', { a: first }, `${first}: tensor "extra" must be listed in`],
  [
    'a tensor is in another shard than the index says',
    { a: second, extra: first, b: second },
    `${first}: tensor "a" must be in ${second} by`,
  ],
  [
    'a tensor is in two shards',
    { a: first, extra: first, b: second, c: 'twice.safetensors' },
    'twice.safetensors: tensor "a" must be in model-00001-of-00002',
  ],
])('%s', async (_, map, message) => {
  await shard(first, { a: tensor(1), extra: tensor(2) });
  await shard(second, { b: tensor(3) });
  await shard('twice.safetensors', { a: tensor(4), c: tensor(5) });
  await index(message.includes('"extra"') ? map : { extra: first, ...map });
  const error = await readTensors(folderFiles(folder)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  expect((error as CqError).message).toContain(message);
});
