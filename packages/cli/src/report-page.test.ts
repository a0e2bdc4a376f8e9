import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { z } from 'zod';
import { chromiumPath } from '../../backend-webgl/src/testing/page.ts';
import type { CompressionReport } from './compression-report.ts';
import { reportHtml } from './report-html.ts';
import { reportJsonSchema, reportSchema } from './report-schema.ts';
import type { Search } from './search.ts';
import { sweepHtml } from './sweep-html.ts';
import type { SweepRow } from './sweep-rows.ts';
import type { Sweep } from './sweep.ts';
import { cq } from './testing/cq.ts';
import { look } from './testing/pages.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const path = chromiumPath();
if (!path) console.log('report page: no Chromium on the search path; set CHROMIUM. The page is not looked at.');
const inChromium = path ? test : test.skip;

let browser: Browser | undefined;
let report: CompressionReport;
const page = join(folder, 'report.html');
beforeAll(async () => {
  const model = tinyModel(join(folder, 'vit'));
  const [calibration, evaluation] = [join(folder, 'images'), join(folder, 'labelled')];
  await tinyImages(calibration, 6);
  await tinyImages(evaluation, 9);
  const config = join(folder, 'mixed.json');
  const passes = [
    { name: 'balance-channels', options: { strength: 0.5 } },
    { name: 'quantize-weights', options: { bits: 4, only: ['/layer\\.1/'] } },
    { name: 'quantize-uniform', options: { ignore: ['/classifier/'] } },
  ];
  writeFileSync(config, JSON.stringify({ passes }));
  const { code, stderr } = await cq(
    ...['compress', model, '--config', config, '--calibration', calibration, '--samples', '4'],
    ...['--evaluation', evaluation, '--allow-overlap', '--out', join(folder, 'out')],
  );
  expect([code, stderr]).toEqual([0, '']);
  report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as CompressionReport;
  // What no pass of this run trains: its curves.
  const curves = [{ bits: [5, 4], loss: [4, 2, 1.5] }];
  const trained = {
    name: 'trained',
    options: {},
    changed: [{ value: 'block 1', curves }],
    skipped: [],
    milliseconds: 5,
  };
  writeFileSync(page, await reportHtml({ ...report, passes: [...report.passes, trained], search }));
  writeFileSync(join(folder, 'sweep.html'), await sweepHtml(sweep));
  const data = ['--data', evaluation, '--allow-overlap'];
  for (const command of [
    ['eval', join(folder, 'out'), '--reference', model, ...data, '--report', join(folder, 'eval.html')],
    ['eval', model, ...data, '--report', join(folder, 'eval-alone.html')],
    [
      ...['sensitivity', model, '--recipe', 'int8', '--calibration', calibration, ...data],
      ...['--limit', '2', '--worst', '2', '--report', join(folder, 'sensitivity.html')],
    ],
  ]) {
    expect(await cq(...command)).toMatchObject({ code: 0, stderr: '' });
  }
  if (path) browser = await chromium.launch({ executablePath: path, args: ['--disable-dev-shm-usage'] });
}, 120_000);
afterAll(() => browser?.close());

/** As a search leaves it: fewer bytes, farther from the float model. */
const search: Search = {
  ...{ maxDrop: 1, target: 'bytes', heldBack: 100, chosen: 4 },
  candidates: [8, 4, 3, 7, 6, 5.5, 5].map((bits, i) => ({
    kind: i < 3 ? 'uniform' : 'mixed',
    weights: { '3': i, '4': 10 - i, '8': 30, '32': 2 },
    ...{ bytes: 7e5 * bits, kl: 10 ** (1 - bits), agreement: 1 - 1 / bits ** 2, drop: 8 - bits, within: bits > 5.9 },
  })),
};

const sweep: Sweep = {
  ...{ config: 'study.json', version: '1.0.0', failures: [], date: '2025-01-01T00:00:00.000Z' },
  machine: { node: '22.0.0', cpu: 'A CPU', cores: 2 },
  rows: ['models/deit-tiny-patch16-224', 'out/a-smaller-student'].flatMap((model, m) =>
    ['none', 'int8', 'aocq-w4a8'].map((recipe, r): SweepRow => {
      const after = Math.round(22e6 / 4 ** r / (1 + m));
      return {
        ...{
          model,
          recipe,
          seed: 1,
          passes: [recipe],
          metric: 'top-1',
          value: 0.8 - 0.02 * r - 0.05 * m,
          correct: 520,
        },
        ...{ count: 650, top5: 0.9, macroF1: 0.8, weightedF1: 0.8, agreement: 0.97, kl: 0.006, left: r, seconds: 60 },
        milliseconds: { min: 40, median: 300 / 2 ** r, max: 400, p95: 380 / 2 ** r },
        bytes: { before: 22e6, after, ratio: after / 22e6 },
        ...{
          peakBytes: 3e8,
          machine: { node: '22.0.0', cpu: 'A CPU', cores: 2 },
          fingerprint: `${m}${r}`.repeat(8),
          folder: 'models/x',
          logitsSha256: '0',
        },
      };
    }),
  ),
};

test('the report has what the page shows: worth, latency, every value, and how to make it again', () => {
  const { inside, worth, latency, command } = report;
  expect(worth).toMatchObject({ on: 'evaluation', examples: 9, accuracy: { before: expect.any(Number) as number } });
  expect(worth!.confusion!.counts.flat().reduce((sum, count) => sum + count)).toBe(9);
  expect(worth!.worst![0]!.picture).toMatch(/^data:image\/jpeg;base64,/);
  expect(latency!.after.median).toBeGreaterThan(0);
  expect(command).toMatch(/^cq compress .*--config .*mixed.json .*--seed 1/);
  expect(new Set(inside!.values.map(({ bits }) => bits))).toEqual(new Set([4, 8, 12, 16, 32]));
  const decibels = (bits: number) =>
    inside!.values.filter((row) => row.role === 'weight' && row.bits === bits).map(({ sqnr }) => sqnr!);
  expect(Math.max(...decibels(4))).toBeLessThan(Math.min(...decibels(8)));
  expect(inside!.values.find(({ value }) => value.includes('classifier'))).toMatchObject({ computed: 'float' });
  expect(inside!.depth.length).toBe(3);
  expect(inside!.channels.some(({ before, after }) => Math.max(...after) !== Math.max(...before))).toBe(true);
});

test('report.json keeps to the published schema, and that is the one in the package', () => {
  const published = JSON.parse(readFileSync(join(__dirname, 'report.schema.json'), 'utf8')) as Parameters<
    typeof z.fromJSONSchema
  >[0];
  expect(published).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())));
  const schema = z.fromJSONSchema(published);
  expect(schema.safeParse(report).error).toBeUndefined();
  expect(reportSchema.safeParse(report).error).toBeUndefined();
  expect(schema.safeParse({ ...report, bytes: { before: 1 } }).success).toBe(false);
});

const screens = [
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;

inChromium.each(screens)(
  'at %i pixels, %s: no error, no scrolling aside, no empty plot, nothing in the way',
  async (width, theme) => {
    const { tab, complaints, sideways, plots, barriers } = await look(browser!, page, 'report', width, theme);
    expect({ sideways, barriers }).toEqual({ sideways: 0, barriers: [] });
    expect(plots.length).toBeGreaterThanOrEqual(13);
    expect(plots.filter(([, marks]) => marks < 5)).toEqual([]);
    const column = (): Promise<number[]> =>
      tab.evaluate(() =>
        Array.from(document.querySelector('[data-sortable] tbody')!.querySelectorAll('td:nth-child(5)'))
          .filter(({ textContent }) => textContent !== '')
          .map(({ textContent }) => Number(textContent)),
      );
    await tab.click('[data-sortable] th:nth-child(5) button');
    expect(await column()).toEqual((await column()).sort((a, b) => a - b));
    expect(complaints).toEqual([]);
    await tab.close();
  },
);

const others = [
  ['sweep', 2],
  ['sensitivity', 2],
  ['eval', 2],
  ['eval-alone', 2],
] as const;
const narrowAndWide = others.flatMap(([name, least]) => [
  [name, least, 1280, 'light'] as const,
  [name, least, 390, 'dark'] as const,
]);

inChromium.each(narrowAndWide)(
  'the page of %s, %i plots, at %i pixels, %s: the same',
  async (name, least, width, theme) => {
    const file = join(folder, `${name}.html`);
    const { tab, complaints, sideways, plots, barriers } = await look(browser!, file, name, width, theme);
    expect({ sideways, barriers, complaints }).toEqual({ sideways: 0, barriers: [], complaints: [] });
    expect(plots.length).toBeGreaterThanOrEqual(least);
    expect(plots.filter(([, marks]) => marks < 5)).toEqual([]);
    await tab.close();
  },
);
