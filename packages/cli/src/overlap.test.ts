import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompressionReport } from './compression-report.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';
import { readUsedExamples } from './used-examples.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));
const [calibration, evaluation] = [join(folder, 'calibration'), join(folder, 'evaluation')];
const out = join(folder, 'int8');
const compress = (...more: readonly string[]) =>
  cq('compress', model, '--recipe', 'int8', '--calibration', calibration, '--samples', '4', '--out', out, ...more);

/** Two of three images for evaluation are, under other names, among the four for calibration. */
beforeAll(async () => {
  await tinyImages(calibration, 4);
  mkdirSync(evaluation);
  for (const i of [1, 3]) copyFileSync(join(calibration, `${i}.png`), join(evaluation, `copy-${i}.png`));
  await tinyImages(join(folder, 'more'), 5);
  copyFileSync(join(folder, 'more', '4.png'), join(evaluation, 'new.png'));
  writeFileSync(join(evaluation, 'labels.csv'), 'file,label\nnew.png,4\ncopy-1.png,1\ncopy-3.png,3\n');
});

test('compress refuses to choose by data that it calibrates with, and says how many they are', async () => {
  const refused = await compress('--evaluation', evaluation);
  expect([refused.code, refused.stdout, refused.stderr]).toEqual([
    1,
    '',
    `compress: the evaluation data ${evaluation} must share no example with the calibration data ${calibration}, got 2 that both have, ` +
      `the first ${join(evaluation, 'copy-1.png')}: what a model has seen says too little about what it will see; ` +
      'give other data, or add --allow-overlap\n',
  ]);
  expect((await compress('--evaluation', evaluation, '--allow-overlap')).code).toBe(0);
});

test('the report takes 8 bytes an example, and the model none', async () => {
  const { stdout } = await compress('--json');
  const { examples } = JSON.parse(stdout) as CompressionReport;
  expect(Buffer.from(examples!.calibration!, 'base64').length).toBe(4 * 8);
  expect(readUsedExamples(out)!.get('calibration')!.size).toBe(4);
  expect(readFileSync(join(out, 'model.json'), 'utf8')).not.toContain('examples');
});

describe('eval', () => {
  const evaluate = (...more: readonly string[]) => cq('eval', out, '--data', evaluation, '--json', ...more);

  test('refuses what the model was calibrated with', async () => {
    const { code, stdout, stderr } = await evaluate();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      `data ${evaluation} must share no example with the calibration data of ${out}, got 2 that both`,
    );
  });

  test('counts it where it is allowed, of the examples that --limit leaves', async () => {
    for (const [more, shared] of [
      [['--allow-overlap'], 2],
      [['--limit', '1'], 0],
    ] as const) {
      expect(JSON.parse((await evaluate(...more)).stdout)).toMatchObject({ shared });
    }
  });

  test('says that it cannot tell without the report, and nothing of a model as it came', async () => {
    rmSync(join(out, 'report.json'));
    expect(JSON.parse((await evaluate()).stdout)).toMatchObject({ count: 3, shared: null });
    const float = await cq('eval', model, '--data', calibration, '--json');
    expect(JSON.parse(float.stdout)).not.toHaveProperty('shared');
  });
});
