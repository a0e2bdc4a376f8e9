import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompressionReport } from './compression-report.ts';
import { run } from './run.ts';
import { collector, cq, type Outcome } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));
const images = join(folder, 'images');
const out = join(folder, 'out');
const int8 = (to: string, ...more: string[]) =>
  cq('compress', model, '--recipe', 'int8', '--calibration', images, '--samples', '4', '--out', to, ...more);

beforeAll(() => tinyImages(images, 6));

/** Runs the command on a terminal, and presses Ctrl-C as soon as it shows this. */
async function interrupted(argv: readonly string[], shown: RegExp): Promise<Outcome> {
  const controller = new AbortController();
  const stdout = collector();
  const stderr = collector(() => shown.test(stderr.text()) && controller.abort());
  const terminal = Object.assign(stderr.stream, { isTTY: true });
  const code = await run(argv, { stdout: stdout.stream, stderr: terminal, env: {}, signal: controller.signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

test('writes the model and the report, and prints the report', async () => {
  const { code, stdout, stderr } = await int8(out, '--json');
  expect([code, stderr]).toEqual([0, '']);
  expect(readdirSync(out).sort()).toEqual(['group1-shard1of1.bin', 'model.json', 'report.html', 'report.json']);

  const report = JSON.parse(stdout) as CompressionReport;
  expect(report).toEqual(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')));
  expect(report).toMatchObject({ model, recipe: 'int8', seed: 1, samples: 4, passes: [{ name: 'quantize-uniform' }] });
  expect(report.bytes.after).toBe(readFileSync(join(out, 'group1-shard1of1.bin')).length);
  expect(report.bytes.ratio).toBeCloseTo(report.bytes.after / report.bytes.before, 12);
  expect(report.bytes.ratio).toBeLessThan(0.5);
  expect(report.left).toEqual([{ value: expect.any(String) as string, reason: 'it is an output of the model' }]);
  expect(Date.parse(report.date)).toBeGreaterThan(0);
  expect(report.machine).toMatchObject({ node: process.versions.node });
});

test('the same run writes the same bytes over the old ones; another seed does not', async () => {
  const files = ['model.json', 'group1-shard1of1.bin'];
  const read = (from: string) => files.map((file) => readFileSync(join(from, file)));
  const before = read(out);
  expect((await int8(out)).code).toBe(0);
  expect(read(out)).toEqual(before);
  const other = join(folder, 'other-seed');
  await int8(other, '--seed', '2');
  expect(read(other)).not.toEqual(before);
  expect(String(before[0])).not.toContain(folder); // No path of this machine in the model.
});

test('the model carries all that cq eval needs', async () => {
  const { userDefinedMetadata } = JSON.parse(readFileSync(join(out, 'model.json'), 'utf8')) as {
    userDefinedMetadata: { cq: Record<string, unknown> };
  };
  expect(userDefinedMetadata.cq).toMatchObject({
    task: 'image-classification',
    preprocessing: { size: { height: 32, width: 32 } },
    compression: { recipe: 'int8', seed: 1, samples: 4, version: expect.any(String) as string },
  });
  const { code, stdout } = await cq('eval', out, '--data', images, '--allow-overlap', '--json');
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { count: 6, shared: 4 }]);
});

test('for people: sizes, passes, and what stayed in float', async () => {
  const { stdout } = await int8(join(folder, 'for-people'));
  expect(stdout).toMatch(/kB.*× smaller/);
  expect(stdout).toMatch(/quantize-uniform +\d+ +0 /);
  expect(stdout).toContain('1 value left in float');
});

test('a config in place of a recipe', async () => {
  const config = join(folder, 'first-block.json');
  const options = { weights: 4, ignore: ['/layer\\.[12]/', '/classifier/'] };
  writeFileSync(config, JSON.stringify({ passes: [{ name: 'quantize-uniform', options }] }));
  const { code, stdout } = await cq(
    ...['compress', model, '--config', config, '--calibration', images, '--samples', '2'],
    ...['--out', join(folder, 'by-config'), '--json'],
  );
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as CompressionReport;
  expect(report).toMatchObject({ recipe: 'first-block.json', passes: [{ options: { weights: 4 } }] });
  expect(report.passes[0]!.skipped).not.toEqual([]);
  expect(report.left.length).toBeGreaterThan(1);
});

describe('nothing half-written', () => {
  test('a folder with something else in it is refused before the work, and keeps it', async () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'thesis.txt'), 'ten years of work');
    const { code, stderr } = await int8(foreign);
    expect([code, stderr]).toEqual([
      1,
      `${foreign}: holds "thesis.txt", which is not of a model; choose an empty or a new folder\n`,
    ]);
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
  });

  test('a file, or the model itself, is no folder to write to', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    for (const to of [file, join(file, 'below')]) {
      expect(await int8(to)).toMatchObject({ code: 1, stderr: expect.stringContaining('got a file at') as string });
    }
    const itself = await cq('compress', out, '--recipe', 'int8', '--calibration', images, '--out', out);
    expect(itself).toMatchObject({ code: 2, stderr: expect.stringContaining("the model's own folder") as string });
  });

  test('Ctrl-C while the data run through the model', async () => {
    const target = join(folder, 'interrupted');
    const before = readdirSync(folder);
    const argv = ['compress', model, '--recipe', 'int8', '--calibration', images, '--out', target];
    const { code, stdout, stderr } = await interrupted(argv, /./); // The first that the progress bar draws.
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /quantize-uniform[^]*\d\/\d+[^]*compress: interrupted; nothing was written, as no pass was finished: .*\n$/,
    );
    expect(readdirSync(folder)).toEqual(before);
  });

  test('a failed run leaves the old model, and no temporary folder', async () => {
    const broken = await tinyImages(join(folder, 'broken-images'), 2);
    const before = [readdirSync(folder), readFileSync(join(out, 'model.json'))];
    writeFileSync(join(broken, '1.png'), 'no image');
    const { code } = await cq('compress', model, '--recipe', 'int8', '--calibration', broken, '--out', out);
    expect(code).toBe(1);
    expect([readdirSync(folder), readFileSync(join(out, 'model.json'))]).toEqual(before);
  });
});

describe('interrupted and resumed', () => {
  const config = join(folder, 'two-passes.json');
  const target = join(folder, 'two-passes');
  const partial = `${target}.partial`;
  const argv = (to: string, ...more: readonly string[]): string[] => [
    ...['compress', model, '--config', config, '--calibration', images, '--samples', '4', '--out', to, ...more],
  ];
  const bytes = (from: string) => ['model.json', 'group1-shard1of1.bin'].map((file) => readFileSync(join(from, file)));
  const pass = (options: object) => ({ name: 'quantize-uniform', options });
  const inSecond = (...more: readonly string[]) => interrupted(argv(target, ...more), /\(2 of 2\)/);
  beforeAll(() => {
    writeFileSync(config, JSON.stringify({ passes: [pass({ weights: 4, only: ['/layer\\.0/'] }), pass({})] }));
  });

  test('Ctrl-C in the second pass: the first is kept, no model is there, and one line says how to go on', async () => {
    const { code, stdout, stderr } = await inSecond();
    expect([code, stdout, existsSync(target)]).toEqual([1, '', false]);
    expect(stderr.split('\n').slice(-2)).toEqual([
      expect.stringMatching(
        /compress: interrupted; what is finished lies in .*: the same command with --resume goes on/,
      ),
      '',
    ]);
    expect(readdirSync(join(partial, 'pass-1'))).toEqual(['finished.bin']);
  });

  test('without --resume it is refused and kept', async () => {
    expect(await cq(...argv(target))).toMatchObject({
      code: 1,
      stderr: `${partial}: holds what an interrupted run has finished; add --resume to go on with it, or remove it to begin anew\n`,
    });
    expect(readdirSync(join(partial, 'pass-1'))).toEqual(['finished.bin']);
  });

  test('another run cannot go on with it, and hears why', async () => {
    const { code, stderr } = await cq(...argv(target, '--resume', '--seed', '2'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^compress: the store .*partial holds a run with .* and seed 1; this one has .* and seed 2; give/,
    );
    expect(stderr.split('\n').length).toBe(2);
  });

  test('--resume runs only what is left; the files are those of one run', async () => {
    const again = await inSecond('--resume');
    expect([again.code, again.stderr.includes('1 of 2')]).toEqual([1, false]);
    expect((await cq(...argv(target, '--resume'))).code).toBe(0);
    const whole = `${target}-whole`;
    await cq(...argv(whole, '--resume')); // Nothing to go on from: it begins.
    expect(bytes(target)).toEqual(bytes(whole));
    expect([partial, `${whole}.partial`].filter((path) => existsSync(path))).toEqual([]);
  });

  test('what a run has left that finished nothing is in nobody’s way, but other options do not resume it', async () => {
    await inSecond();
    rmSync(join(partial, 'pass-1'), { recursive: true }); // As if it had been killed before.
    expect((await cq(...argv(target, '--resume', '--seed', '2'))).stderr).toMatch(/seed 1; this one has .* seed 2/);
    expect(await cq(...argv(target, '--seed', '2'))).toMatchObject({ code: 0 });
    expect(existsSync(partial)).toBe(false);
  });

  test.each(['thesis.txt', 'model', 'pass-1'])(
    'a folder of that name with a foreign "%s" is refused and kept',
    async (name) => {
      const to = join(folder, `mine-${name}`);
      mkdirSync(join(`${to}.partial`, name), { recursive: true });
      for (const more of [[], ['--resume']]) {
        const { code, stderr } = await cq(...argv(to, ...more));
        expect([code, stderr]).toEqual([
          1,
          `${to}.partial: holds "${name}", which no run has put there, and is needed to work in; move it\n`,
        ]);
      }
      expect(readdirSync(`${to}.partial`)).toEqual([name]);
    },
  );
});
