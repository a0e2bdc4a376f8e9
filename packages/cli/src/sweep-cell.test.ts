import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { planCells } from './sweep-plan.ts';
import { runCell, type CellContext } from './sweep-cell.ts';
import type { SweepConfig } from './sweep-config.ts';
import { collector } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const { stream } = collector();
const io: CellContext['io'] = { stdout: stream, stderr: stream, env: {}, signal: new AbortController().signal };
const context: CellContext = { folder, io, progress: () => undefined, wanted: () => true };
const config: SweepConfig = {
  ...{ models: [{ name: 'vit', model: 'vit' }], recipes: [{ name: 'none', recipe: 'none' }], seeds: [1] },
  ...{ samples: 128, evaluation: 'images', reference: true },
};
const plan = (changed: Partial<SweepConfig> = {}) =>
  planCells({ ...config, ...changed }, folder, join(folder, 'out'), io);

beforeAll(async () => {
  tinyModel(join(folder, 'vit'));
  await tinyImages(join(folder, 'images'), 3);
  await tinyImages(join(folder, 'others'), 4);
});

test('names and places are no part of a fingerprint; what changes the result is', async () => {
  const [cell] = await plan();
  const [renamed] = await plan({ models: [{ name: 'other', model: join(folder, 'vit') }] });
  expect(renamed!.job.fingerprint).toBe(cell!.job.fingerprint);
  const changes: Partial<SweepConfig>[] = [
    { seeds: [2] },
    { samples: 2 },
    { limit: 2 },
    { calibration: 'others' },
    { evaluation: 'others' },
    { recipes: [{ name: 'int8-dynamic', recipe: 'int8-dynamic' }] },
  ];
  const others = (await Promise.all(changes.map(plan))).map(([changed]) => changed!.job.fingerprint);
  expect(new Set([cell!.job.fingerprint, ...others]).size).toBe(1 + changes.length);
});

test('data that change nothing of what the passes see leave their fingerprints as they are', async () => {
  const recipes = [{ name: 'int8-dynamic', recipe: 'int8-dynamic' }];
  const [cell, other] = [(await plan({ recipes }))[0]!, (await plan({ recipes, evaluation: 'others' }))[0]!];
  expect(other.passes).toEqual(cell.passes);
  expect(other.job.fingerprint).not.toBe(cell.job.fingerprint);
});

test('a job is refused where the files are others than it was planned with', async () => {
  const [cell] = await plan();
  const result = (await runCell(cell!.job, context))!;
  expect(result).toMatchObject({ fingerprint: cell!.job.fingerprint, count: 3 });
  expect(result.macroF1).toBeLessThanOrEqual(1);
  expect(result.macroF1 > 0).toBe(result.correct > 0);
  expect(result.milliseconds.p95).toBeGreaterThanOrEqual(result.milliseconds.median);
  appendFileSync(join(folder, 'images', 'labels.csv'), '\n');
  await expect(runCell(cell!.job, context)).rejects.toThrow('got others here; bring both machines to the same');
});

test('nothing is written for a parent that is gone', async () => {
  const [cell] = await plan();
  await expect(runCell(cell!.job, { ...context, wanted: () => false })).rejects.toThrow('nobody waits for this cell');
});
