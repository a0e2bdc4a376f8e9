import '@tensorflow/tfjs-backend-cpu';
import '@cq/backend-wasm';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { compress, memoryStore, randomOf, type Pass } from '@cq/core';
import { setBackend } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { fixture } from './fixture-data.ts';
import { tinyViT } from './tiny-vit.ts';

/** Three passes, in processes that are killed wherever they are: the same bytes as without. */
const kills = 3;

const scratch = mkdtempSync(join(tmpdir(), 'cq-resume-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const hooks = ['--conditions=@cq/source', '--import', pathToFileURL(join(__dirname, 'typescript-hooks.mjs')).href];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What a pass has begun to compute. */
  readonly worked: readonly string[];
}

/** Runs a script of TypeScript; `signal` is sent `delay` milliseconds after it has said its n-th line. */
function run(argv: readonly string[], stop?: { lines: number; delay: number; signal: NodeJS.Signals }): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...hooks, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: string[] = [];
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      if (said.length === stop?.lines) setTimeout(() => child.kill(stop.signal), stop.delay);
    });
    child.on('error', reject).on('close', (code) => {
      const worked = said.filter((line) => line.startsWith('begin '));
      resolve({ code, stdout, stderr: said.join('\n'), worked });
    });
  });
}

/** Kills it some way on, and what goes on from there, and so forth; then lets it end. */
async function killed(
  first: readonly string[],
  next: readonly string[],
  lines: number,
  seed: number,
): Promise<Ended[]> {
  const random = randomOf(seed);
  const ended: Ended[] = [];
  for (let i = 0; i < kills; i++) {
    const stop = { lines: 1 + random.integer(Math.floor(lines / kills)), delay: random.integer(40) };
    ended.push(await run(i === 0 ? first : next, { ...stop, signal: 'SIGKILL' }));
  }
  ended.push(await run(next));
  return ended;
}

const modelFiles = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('report'))
    .map((name) => [name, readFileSync(join(folder, name), 'base64')]);

/** All of a report but times, the date, the machine and the command, which names the folder. */
const reportIn = (file: string): unknown =>
  JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
    ['milliseconds', 'date', 'machine', 'latency', 'command'].includes(key) ? undefined : value,
  );

/** A kill costs what was being computed, no more. */
function expectLittleTwice(ended: readonly Ended[], whole: Ended): void {
  const worked = ended.flatMap((one) => one.worked);
  expect(new Set(worked)).toEqual(new Set(whole.worked));
  expect(worked.length).toBeLessThanOrEqual(whole.worked.length + kills);
}

test('compress in a store', async () => {
  const script = join(__dirname, 'resume-child.ts');
  const folder = (name: string): string => join(scratch, 'library', name);
  for (const name of ['whole', 'killed']) mkdirSync(folder(name), { recursive: true });
  const whole = await run([script, folder('whole')]);
  expect([whole.code, whole.stderr]).toEqual([0, expect.stringMatching(/^(begin|end) /)]);
  const command = [script, folder('killed')];
  const ended = await killed(command, command, 2 * whole.worked.length, 1);

  expect(ended.map(({ code }) => code)).toEqual([...Array<null>(kills).fill(null), 0]);
  expect(modelFiles(join(folder('killed'), 'model'))).toEqual(modelFiles(join(folder('whole'), 'model')));
  expect(reportIn(join(folder('killed'), 'report.json'))).toEqual(reportIn(join(folder('whole'), 'report.json')));
  expectLittleTwice(ended, whole);
});

describe('cq compress', () => {
  const folder = join(scratch, 'cli');
  const [model, images, config] = [join(folder, 'vit'), join(folder, 'images'), join(folder, 'recipe.mjs')];
  const command = (out: string, ...more: readonly string[]): string[] => [
    ...[join(__dirname, '../packages/cli/src/bin.ts'), 'compress', model, '--config', config, '--calibration', images],
    ...['--samples', '3', '--out', join(folder, out), '--json', ...more],
  ];
  let whole: Ended;

  beforeAll(async () => {
    mkdirSync(images, { recursive: true });
    mkdirSync(model);
    for (const name of ['config.json', 'model.safetensors']) cpSync(join(fixture('vit'), name), join(model, name));
    const preprocessing = {
      ...{ do_resize: true, size: { height: 32, width: 32 }, resample: 2 },
      ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
    };
    writeFileSync(join(model, 'preprocessor_config.json'), JSON.stringify(preprocessing));
    for (let i = 0; i < 4; i++) {
      const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => Math.imul(at + 1, 2654435761 + i) >>> 24);
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).toFile(join(images, `${i}.png`));
    }
    writeFileSync(join(images, 'labels.csv'), ['file,label', ...[0, 1, 2, 3].map((i) => `${i}.png,${i}`)].join('\n'));
    const passes = pathToFileURL(join(__dirname, 'resume-passes.ts')).href;
    writeFileSync(config, `import { recipe } from '${passes}';\nexport default recipe;\n`);
    whole = await run(command('whole'));
  });

  test('killed and resumed: the same files, and nothing beside them', async () => {
    expect([whole.code, whole.stderr]).toEqual([0, expect.stringMatching(/^(begin|end) /)]);
    const ended = await killed(command('killed'), command('killed', '--resume'), 2 * whole.worked.length, 2);
    expect(ended.map(({ code }) => code)).toEqual([...Array<null>(kills).fill(null), 0]);
    expect(modelFiles(join(folder, 'killed'))).toEqual(modelFiles(join(folder, 'whole')));
    expect(reportIn(join(folder, 'killed/report.json'))).toEqual(reportIn(join(folder, 'whole/report.json')));
    expectLittleTwice(ended, whole);
    expect(readdirSync(folder).filter((name) => name.startsWith('killed'))).toEqual(['killed']);
  });

  test('Ctrl-C: it ends at once, and one line says how to go on', async () => {
    const { code, stdout, stderr, worked } = await run(command('stopped'), {
      ...{ lines: whole.worked.length, delay: 0, signal: 'SIGINT' },
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(worked.length).toBeLessThan(whole.worked.length);
    expect(stderr.split('\n').at(-1)).toBe(
      `compress: interrupted; what is finished lies in ${folder}/stopped.partial: the same command with --resume goes on from there`,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual(['stopped.partial']);
  });
});

test('a store from one backend is refused on another, which computes other bits', async () => {
  const nothing: Pass = { name: 'nothing', options: {}, needs: [], run: (graph) => graph };
  const [model, passes, store] = [tinyViT({}, 1), [nothing], memoryStore()];
  await setBackend('cpu');
  await compress(model, passes, { store });
  await setBackend('wasm');
  await expect(compress(model, passes, { store })).rejects.toThrow(
    'the store holds a run with backend "cpu" and kernels "stock"; ' +
      'this one has backend "wasm" and kernels "simd with @cq/backend-wasm"; give the same',
  );
});
