import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeModel } from './model-folder.ts';
import { initialVit, vitShapes, type VitConfig } from './vit.ts';

const committed = new URL('../model/', import.meta.url);

test('the committed model has the weights its config.json tells of, in less than 1 MB', async () => {
  const { config, header, bytes } = await read(committed);
  expect(shapesIn(header)).toEqual(Object.fromEntries(vitShapes(config)));
  expect(bytes).toBeLessThan(1_000_000);
});

test('a model is written in the layout of the committed one', async () => {
  const { config, fields } = await read(committed);
  const folder = await mkdtemp(join(tmpdir(), 'digits-'));
  try {
    const url = pathToFileURL(`${folder}/`);
    const smaller = { ...config, hidden_size: 4, num_hidden_layers: 1 };
    await writeModel(url, smaller, initialVit(smaller, 1));
    const written = await read(url);
    expect(written.fields).toEqual({ ...fields, hidden_size: 4, num_hidden_layers: 1 });
    expect(shapesIn(written.header)).toEqual(Object.fromEntries(vitShapes(smaller)));
  } finally {
    await rm(folder, { recursive: true });
  }
});

type Header = Record<string, { readonly shape?: readonly number[] }>;

async function read(folder: URL): Promise<{ config: VitConfig; fields: object; header: Header; bytes: number }> {
  const fields = JSON.parse(await readFile(new URL('config.json', folder), 'utf8')) as VitConfig & { id2label: object };
  const file = await readFile(new URL('model.safetensors', folder));
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString()) as Header;
  return { config: { ...fields, labels: Object.keys(fields.id2label).length }, fields, header, bytes: file.length };
}

function shapesIn(header: Header): Record<string, readonly number[] | undefined> {
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { shape }]) => [name, shape]),
  );
}
