import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { z } from 'zod';
import { chromiumPath } from '../../backend-webgl/src/testing/page.ts';
import type { CompressionReport } from './compression-report.ts';
import { reportHtml } from './report-html.ts';
import { reportJsonSchema, reportSchema } from './report-schema.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const root = join(__dirname, '../../..');
const screenshots = join(root, 'out/report');
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
  writeFileSync(page, await reportHtml({ ...report, passes: [...report.passes, trained] }));
  if (path) browser = await chromium.launch({ executablePath: path, args: ['--disable-dev-shm-usage'] });
}, 120_000);
afterAll(() => browser?.close());

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

inChromium.each([
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const)(
  'at %i pixels, %s: no error, no scrolling aside, no empty plot, nothing in the way',
  async (width, theme) => {
    const tab = await browser!.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
    const complaints: string[] = [];
    tab.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    tab.on('pageerror', (error) => void complaints.push(String(error)));
    tab.on('request', (request) => void (/^(file|data):/.test(request.url()) || complaints.push(request.url())));
    await tab.goto(pathToFileURL(page).href);
    mkdirSync(screenshots, { recursive: true });
    await tab.screenshot({ path: join(screenshots, `report-${width}-${theme}.png`), fullPage: true });
    expect(await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    const plots = await tab.evaluate(() =>
      Array.from(document.querySelectorAll('svg'))
        .filter((svg) => svg.getClientRects().length > 0)
        .map(
          (svg) =>
            [svg.getAttribute('aria-label'), svg.querySelectorAll('path[d], circle, rect, line').length] as const,
        ),
    );
    expect(plots.length).toBeGreaterThanOrEqual(12);
    expect(plots.filter(([, marks]) => marks < 5)).toEqual([]);
    await tab.addScriptTag({ path: createRequire(__filename).resolve('axe-core/axe.min.js') });
    const violations = await tab.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run()).violations.map(({ id, impact, nodes }) => [id, impact, nodes[0]!.html.slice(0, 200)]);
    });
    expect(violations.filter(([, impact]) => impact === 'serious' || impact === 'critical')).toEqual([]);
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
