import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from './config.ts';
import { temporaryFolder } from './testing/tiny.ts';
import { UsageError } from './usage-error.ts';

const folder = temporaryFolder();

function config(content: unknown): string {
  const file = join(folder, 'config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

test('passes with their options, in order', async () => {
  const passes = await loadConfig(
    config({ passes: [{ name: 'quantize-uniform', options: { weights: 4 } }, { name: 'quantize-uniform' }] }),
  );
  expect(passes.map(({ name, options }) => [name, options['weights']])).toEqual([
    ['quantize-uniform', 4],
    ['quantize-uniform', 8],
  ]);
});

test('a string between slashes in only and ignore is a regular expression', async () => {
  const options = { only: ['/^encoder/i', 'classifier.weight'] };
  const [pass] = await loadConfig(config({ passes: [{ name: 'quantize-uniform', options }] }));
  expect(pass!.options['only']).toEqual([/^encoder/i, 'classifier.weight']);
});

test.each([
  ['no JSON', 'passes: int8', 'must be JSON'],
  ['no object', [1], 'the config must be { "passes": [{ "name", "options" }] }, got [1]'],
  ['a misspelt field', { pases: [] }, 'the config: unknown field "pases"; did you mean "passes"?'],
  [
    'a field too many',
    { passes: [{ name: 'quantize-uniform' }], seed: 1 },
    'the config: unknown field "seed"; It takes passes',
  ],
  [
    'a misspelt field of a pass',
    { passes: [{ name: 'quantize-uniform', option: {} }] },
    'passes.0: unknown field "option"; did you mean "options"?',
  ],
  ['passes that are no list', { passes: 'int8' }, 'passes must be a list of passes, got "int8"'],
  ['no passes', { passes: [] }, 'passes must have at least one pass, got []'],
  ['a pass without a name', { passes: [{}] }, 'passes.0.name must be the name of a pass, got undefined'],
  [
    'an unknown pass',
    { passes: [{ name: 'quantise-uniform' }] },
    'unknown pass "quantise-uniform"; did you mean "quantize-uniform"?',
  ],
  [
    'options that are a list',
    { passes: [{ name: 'quantize-uniform', options: [] }] },
    'passes.0.options must be an object, got []',
  ],
  [
    'an unknown option',
    { passes: [{ name: 'quantize-uniform', options: { wieghts: 4 } }] },
    'quantize-uniform: unknown option "wieghts"; did you mean "weights"?',
  ],
  [
    'a value out of range',
    { passes: [{ name: 'quantize-uniform', options: { weights: 1 } }] },
    'weights must be 2 to 8 bits, got 1',
  ],
  [
    'a pattern that is none',
    { passes: [{ name: 'quantize-uniform', options: { only: ['/(/'] } }] },
    'a pattern must be a regular expression, got "/(/"',
  ],
])('%s is wrong use, in one line that names the file', async (_, content, message) => {
  const file = config(content);
  const error = await loadConfig(file).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).toContain(file);
});

test('a file that is not there', async () => {
  await expect(loadConfig(join(folder, 'none.json'))).rejects.toThrow('a config file is expected, got nothing there');
});
