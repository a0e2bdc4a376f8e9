import { zipSync } from 'fflate';
import { unzipped } from './unzipped.ts';

const zip = (...names: readonly string[]): Blob =>
  new Blob([zipSync(Object.fromEntries(names.map((name) => [name, Buffer.from(name)]))) as BlobPart]);

test.each([
  ['its files', ['config.json', 'model.safetensors'], ['config.json', 'model.safetensors']],
  ['those of the one folder in it', ['mine/config.json', 'mine/more/x.bin'], ['config.json', 'more/x.bin']],
])('a zip stands for %s', async (_, names, found) => {
  const { name, files } = await unzipped({ name: 'mine.zip', files: new Map([['mine.zip', zip(...names)]]) });
  expect(name).toBe('mine');
  expect([...files.keys()]).toEqual(found);
  expect(await [...files.values()][0]!.text()).toBe(names[0]);
});

test('anything else stays as it is; what is no zip is said', async () => {
  const folder = { name: 'mine', files: new Map([['a.zip', zip('a')], ['b', zip('b')]]) }; // prettier-ignore
  expect(await unzipped(folder)).toBe(folder);
  const broken = { name: 'mine.zip', files: new Map([['mine.zip', new Blob(['PK?'])]]) };
  await expect(unzipped(broken)).rejects.toThrow('mine.zip: cannot be unzipped; is it whole?');
});
