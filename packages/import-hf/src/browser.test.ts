import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importHuggingFace as fromFiles } from './browser.ts';
import { importHuggingFace as fromFolder } from './index.ts';

const folder = join(__dirname, '../../../examples/classify-digits/model');
const chosen = () => new Map(readdirSync(folder).map((name) => [name, new Blob([readFileSync(join(folder, name))])]));

test('files that a page was given make the graph that their folder makes', async () => {
  expect(await fromFiles('model', chosen())).toEqual(await fromFolder(folder));
});

test('a file that was not given is named', async () => {
  const files = chosen();
  files.delete('model.safetensors');
  await expect(fromFiles('model', files)).rejects.toThrow(
    'model/model.safetensors: does not exist; choose it together with the other files',
  );
});
