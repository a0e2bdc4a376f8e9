import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompressionReport } from './compression-report.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));
const [calibration, evaluation, out] = ['images', 'labelled', 'out'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const data = ['--calibration', calibration, '--samples', '4', '--allow-overlap'];

beforeAll(async () => {
  await tinyImages(calibration, 12);
  await tinyImages(evaluation, 5);
});

test('mixed bits keep the goal in fewer bytes than any uniform recipe that does, and the config makes the same bytes', async () => {
  const { code, stdout, stderr } = await cq(
    ...['compress', model, '--max-drop', '1', ...data, '--evaluation', evaluation, '--out', out, '--json'],
  );
  expect([code, stderr]).toEqual([0, '']);
  const { search, recipe, bytes, samples, worth } = JSON.parse(stdout) as CompressionReport;
  expect({ recipe, samples }).toEqual({ recipe: 'recipe.json', samples: 4 });
  expect(worth!.on).toBe('evaluation');
  const { candidates, chosen, heldBack } = search!;
  expect(heldBack).toBe(8);
  const taken = candidates[chosen]!;
  expect([taken.within, taken.bytes]).toEqual([true, bytes.after]);
  const uniform = candidates.filter(({ kind }) => kind === 'uniform');
  expect(uniform).toHaveLength(3);
  for (const other of uniform) {
    if (other.within) expect(taken.bytes).toBeLessThanOrEqual(other.bytes);
    if (other.bytes <= taken.bytes) expect(taken.kl).toBeLessThanOrEqual(other.kl);
  }
  // Where a mixture costs no more than four bits for all, it is no farther from the float model.
  const four = uniform[1]!;
  const mixed = candidates.filter(({ kind, bytes: size }) => kind === 'mixed' && size <= four.bytes);
  expect(Math.min(...mixed.map(({ kl }) => kl))).toBeLessThanOrEqual(four.kl);

  const again = join(folder, 'again');
  await cq('compress', model, '--config', join(out, 'recipe.json'), ...data, '--out', again);
  for (const file of ['model.json', 'group1-shard1of1.bin']) {
    expect(readFileSync(join(again, file))).toEqual(readFileSync(join(out, file)));
  }
}, 180_000);

test('for latency every recipe is timed, and the fastest within the goal is taken', async () => {
  const few = await tinyImages(join(folder, 'few'), 4);
  const { code, stdout } = await cq(
    ...['compress', model, '--max-drop', '100', '--target', 'latency', '--calibration', few, '--samples', '2'],
    ...['--evaluation', evaluation, '--allow-overlap', '--out', join(folder, 'fast'), '--json'],
  );
  expect(code).toBe(0);
  const { candidates, chosen } = (JSON.parse(stdout) as CompressionReport).search!;
  const uniform = candidates.filter(({ kind }) => kind === 'uniform');
  const sound = candidates.filter(({ bytes, kl }) => !uniform.some((other) => other.bytes <= bytes && other.kl < kl));
  expect(candidates[chosen]!.milliseconds).toBeGreaterThan(0);
  expect(candidates[chosen]!.milliseconds).toBe(Math.min(...sound.map(({ milliseconds }) => milliseconds!)));
}, 120_000);

test.each<[string, string[], RegExp]>([
  [
    'no data to verify on',
    ['--max-drop', '1', '--calibration', 'C'],
    /^compress: --max-drop needs evaluation data; add/,
  ],
  [
    'a recipe too',
    ['--max-drop', '1', '--recipe', 'int8'],
    /^compress: --max-drop searches a recipe, got --recipe too/,
  ],
  ['no number', ['--max-drop', 'half'], /^compress: --max-drop must be percentage points from 0 to 100, got "half"/],
  ['an unknown target', ['--max-drop', '1', '--target', 'byte'], /--target must be .*did you mean "bytes"/],
])('%s is wrong use', async (_, options, message) => {
  const { code, stdout, stderr } = await cq('compress', model, ...options, '--out', join(folder, 'none'));
  expect([code, stdout, existsSync(join(folder, 'none'))]).toEqual([2, '', false]);
  expect(stderr).toMatch(message);
});
