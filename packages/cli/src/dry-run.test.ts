import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import type { CompressionReport } from './compression-report.ts';
import type { Rehearsal } from './rehearse.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));

test('without data it tells the values and the very bytes that the run with data has', async () => {
  const { code, stdout, stderr } = await cq('compress', model, '--recipe', 'int8', '--dry-run', '--json');
  expect([code, stderr]).toEqual([0, '']);
  const { passes, bytes, left } = JSON.parse(stdout) as Rehearsal;

  const out = join(folder, 'out');
  const images = await tinyImages(join(folder, 'images'), 2);
  await cq('compress', model, '--recipe', 'int8', '--calibration', images, '--out', out);
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as CompressionReport;
  expect(passes[0]!.values).toEqual(report.passes[0]!.changed.map(({ value }) => value));
  expect([bytes.after, left]).toEqual([report.bytes.after, report.left.length]);
});

test('recipes that train are not trained', async () => {
  const { code, stdout } = await cq('compress', model, '--recipe', 'tp-vit', '--dry-run');
  expect(code).toBe(0);
  expect(stdout).toMatch(/decline-bits +\d+ values/);
});

test('without a recipe: which passes apply, and why others do not', async () => {
  const b = build();
  const x = b.input('x', 'float32', [-1, 4]);
  b.output('y', b.node('product', 'MatMul', [x, b.weight('w', [4, 2], new Float32Array(8).fill(0.5))]), [-1, 2]);
  const plain = join(folder, 'plain');
  toFolder(pack(b.graph()), plain);
  const { code, stdout } = await cq('compress', plain, '--dry-run', '--json');
  expect(code).toBe(0);
  const { applicable } = JSON.parse(stdout) as { applicable: { name: string; values: number; reason?: string }[] };
  const of = (name: string) => applicable.find((pass) => pass.name === name);
  expect(of('quantize-weights')).toEqual({ name: 'quantize-weights', values: 1 });
  expect(of('quantize-log2')).toMatchObject({
    values: 0,
    reason: expect.stringContaining('selects nothing') as string,
  });
});
