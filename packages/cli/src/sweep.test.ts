import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rowsCsv, type SweepRow } from './sweep-rows.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

/** What is decided before any cell is computed; `test/sweep.test.ts` computes some. */
const folder = temporaryFolder();
const study = { models: ['vit'], recipes: ['int8'], calibration: 'photos', samples: 2, evaluation: 'photos' };

beforeAll(async () => {
  tinyModel(join(folder, 'vit'));
  await tinyImages(join(folder, 'photos'), 3);
});

function config(content: unknown): string {
  const file = join(folder, 'study.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

test('data that cells are calibrated with are refused as evaluation data, with their number', async () => {
  const { code, stdout, stderr } = await cq('sweep', config(study));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^sweep: the evaluation data .*photos must share no example with .*photos, got 2 that both have/,
  );
  expect(existsSync(join(folder, 'study.sweep'))).toBe(false);
});

test('a folder with results needs --resume, and one with anything else is left alone', async () => {
  mkdirSync(join(folder, 'study.sweep', 'cells'), { recursive: true });
  expect(await cq('sweep', config(study))).toMatchObject({
    code: 1,
    stderr: `${join(folder, 'study.sweep')}: holds what a sweep has finished; add --resume to go on with it, or remove it to begin anew\n`,
  });
  const { code, stderr } = await cq('sweep', config(study), '--resume', '--out', folder);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/: holds ".*", which is not of a sweep; choose an empty/)]);
});

test.each([
  ['no JSON', 'models', 'study.json: must be JSON'],
  [
    'a misspelt field',
    { ...study, recipe: [] },
    'unknown field "recipe"; did you mean "recipes"? It takes models, recipes',
  ],
  ['no models', { ...study, models: [] }, 'models must have at least one model, got []'],
  [
    'no evaluation data',
    { ...study, evaluation: undefined },
    'evaluation must be DATA, to tell the cells apart by, got undefined',
  ],
  ['an unknown recipe', { ...study, recipes: ['int9'] }, 'sweep: unknown recipe "int9"; did you mean "int8"?'],
  [
    'a recipe of two kinds',
    { ...study, recipes: [{ name: 'x', recipe: 'int8', config: 'a.json' }] },
    'recipes.0 must be the name of a recipe',
  ],
  [
    'an unknown pass',
    { ...study, recipes: [{ name: 'x', passes: [{ name: 'quantize' }] }] },
    'recipe "x": unknown pass "quantize"',
  ],
  [
    'two models of one name',
    { ...study, models: ['vit', 'other/vit'] },
    'models must have different names, got "vit" twice',
  ],
  [
    'data that a pass lacks',
    { ...study, calibration: undefined },
    'quantize-uniform of recipe int8 needs calibration data; add "calibration"',
  ],
  ['a count that is none', { ...study, limit: 0 }, 'limit must be a whole number from 1, got 0'],
])('%s is wrong use, in one line', async (_, content, message) => {
  const { code, stdout, stderr } = await cq('sweep', config(content), '--out', join(folder, 'never'));
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr).toContain(message);
});

describe('without a Redis server', () => {
  const url = 'redis://user:secret@127.0.0.1:1';
  test.each([
    ['sweep', ['sweep', 'CONFIG', '--allow-overlap', '--resume']],
    ['worker', ['worker']],
  ])('%s says so in one line, without the password', async (command, argv) => {
    const given = argv.map((word) => (word === 'CONFIG' ? config(study) : word));
    expect(await cq(...given, '--redis', url)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${command}: a Redis server must answer at redis://127.0.0.1:1, got ECONNREFUSED; start redis-server, or correct --redis\n`,
    });
  });

  test('what is no URL of one is wrong use', async () => {
    const { code, stderr } = await cq('worker', '--redis', 'localhost:6379');
    expect([code, stderr]).toEqual([
      2,
      'worker: --redis must be a URL like redis://localhost:6379, got "localhost:6379"\n',
    ]);
  });
});

test('names with commas, quotes and line breaks stay one cell of the CSV', () => {
  const row = {
    ...{
      model: 'a, b',
      recipe: 'say "8"',
      seed: 1,
      fingerprint: '0',
      passes: ['x', 'y'],
      left: 0,
      peakBytes: 1,
      seconds: 1,
    },
    ...{
      metric: 'top-1',
      value: 0.5,
      correct: 1,
      count: 2,
      top5: 1,
      macroF1: 0.5,
      weightedF1: 0.5,
      logitsSha256: '',
      bytes: { before: 2, after: 1, ratio: 0.5 },
    },
    ...{
      milliseconds: { min: 1, median: 2, max: 3, p95: 3 },
      machine: { node: '', cpu: '', cores: 1 },
    },
  } satisfies SweepRow;
  const [head, line, end] = rowsCsv([row]).split('\r\n');
  expect(head).toMatch(/^model,recipe,seed,passes,metric,value,/);
  expect(line).toMatch(/^"a, b","say ""8""",1,x > y,top-1,0.5,/);
  expect(end).toBe('');
});
