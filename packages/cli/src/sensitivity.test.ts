import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SensitivityReport } from './sensitivity.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const journal = join(folder, 'journal');
let model: string;
let calibration: string;
let data: string;
beforeAll(async () => {
  model = tinyModel(join(folder, 'vit'));
  calibration = await tinyImages(join(folder, 'calibration'), 3);
  data = await tinyImages(join(folder, 'data'), 7);
});

const sensitivity = (...more: string[]) =>
  cq(
    ...['sensitivity', model, '--recipe', 'int8', '--calibration', calibration, '--data', data],
    ...['--allow-overlap', '--limit', '4', '--screen', '2', '--worst', '3', ...more],
  );

test('every value is ranked; a killed run goes on from its journal to the same report', async () => {
  const { code, stdout, stderr } = await sensitivity('--json', '--journal', journal);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as SensitivityReport;
  expect(report).toMatchObject({ recipe: 'int8', examples: 4, seed: 1 });
  expect(report.values.filter(({ without }) => without)).toHaveLength(3);
  expect(report.blocks.length).toBeGreaterThan(0);

  const whole = readFileSync(journal, 'utf8');
  const lines = whole.split('\n');
  writeFileSync(journal, lines.slice(0, 20).join('\n').slice(0, -5)); // cut off inside a line
  const again = await sensitivity('--json', '--journal', journal);
  expect(again).toEqual({ code, stdout, stderr });
  expect(readFileSync(journal, 'utf8')).toBe(whole);

  const shown = await sensitivity('--journal', journal);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain(report.values[0]!.value);
  expect(shown.stdout).toMatch(/everything quantized: KL \d/);
});

test.each<[string, string[], number, RegExp]>([
  ['a journal of something else', ['--journal', journal, '--limit', '3'], 1, /journal: must be the journal of a run/],
  ['no data', [], 2, /^sensitivity: --data DATA must be given/],
  ['no calibration data', ['--data', 'D', '--recipe', 'int8'], 2, /needs calibration data; add --calibration DATA/],
  [
    'an unknown recipe',
    ['--data', 'D', '--recipe', 'int9'],
    2,
    /^sensitivity: unknown recipe "int9"; did you mean "int8"/,
  ],
])('%s is one error', async (name, parameters, code, message) => {
  const outcome = await (name.startsWith('a journal')
    ? sensitivity(...parameters)
    : cq('sensitivity', model, ...parameters));
  expect(outcome).toMatchObject({ code, stdout: '' });
  expect(outcome.stderr).toMatch(message);
});

test('data that the recipe calibrates with are refused', async () => {
  const { code, stderr } = await cq(
    ...[
      'sensitivity',
      model,
      '--recipe',
      'int8',
      '--calibration',
      calibration,
      '--data',
      data,
      '--journal',
      `${journal}2`,
    ],
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^sensitivity: .*3 /);
  expect(existsSync(`${journal}2`)).toBe(false);
});
