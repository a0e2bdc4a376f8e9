import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { fixture } from './fixture-data.ts';

jest.setTimeout(180_000); // Twenty processes, on a machine that may have other work.

const scratch = mkdtempSync(join(tmpdir(), 'cq-sweep-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const hooks = ['--conditions=@cq/source', '--import', pathToFileURL(join(__dirname, 'typescript-hooks.mjs')).href];
const bin = join(__dirname, '../packages/cli/src/bin.ts');

/** Two that begin with the same pass, which says on stderr what it computes. */
const recipes = ['int8', { name: 'a', config: 'all.mjs', export: 'a' }, { name: 'b', config: 'all.mjs', export: 'b' }];

beforeAll(async () => {
  const model = join(scratch, 'vit');
  mkdirSync(model);
  for (const name of ['config.json', 'model.safetensors']) cpSync(join(fixture('vit'), name), join(model, name));
  const preprocessing = {
    ...{ do_resize: true, size: { height: 32, width: 32 }, resample: 2 },
    ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
  };
  writeFileSync(join(model, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  for (const [folder, first] of [
    ['photos', 0],
    ['labelled', 3],
  ] as const) {
    mkdirSync(join(scratch, folder));
    for (const i of [0, 1, 2]) {
      const pixels = Uint8Array.from(
        { length: 3 * 32 * 32 },
        (_, at) => Math.imul(at + 1, 2654435761 + 99_991 * (first + i)) >>> 24,
      );
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).toFile(join(scratch, folder, `${i}.png`));
    }
    writeFileSync(join(scratch, folder, 'labels.csv'), 'file,label\n0.png,0\n1.png,1\n2.png,2\n');
  }
  const module = (name: string): string => pathToFileURL(join(__dirname, name)).href;
  writeFileSync(
    join(scratch, 'all.mjs'),
    `import { quantizeUniform } from '${module('../packages/core/src/index.ts')}';
import { roundAtRandom } from '${module('resume-passes.ts')}';
const first = roundAtRandom({ milliseconds: 50 });
export const a = [first, quantizeUniform({ weights: 4 })];
export const b = [first, roundAtRandom({ of: 'BiasAdd', bits: 10 }), quantizeUniform()];
export const broken = [{ name: 'broken', options: {}, needs: [], run() { throw new Error('no luck'); } }];
export default b;
`,
  );
});

interface Process {
  readonly child: ChildProcess;
  /** Lines of stdout and stderr as they come. */
  readonly lines: readonly string[];
  readonly stdout: () => string;
  readonly ended: Promise<number | null>;
  /** Resolves when a line of this kind has been said. */
  said(line: RegExp): Promise<void>;
}

const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

function start(command: string, argv: readonly string[]): Process {
  const child = spawn(command, argv, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const lines: string[] = [];
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      listeners.forEach((listener) => listener());
    });
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const said = (wanted: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!lines.some((line) => wanted.test(line))) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without ${wanted}: ${lines.join('\n')}`)));
    });
  return { child, lines, stdout: () => stdout, ended, said };
}

const cq = (...argv: readonly string[]): Process => start(process.execPath, [...hooks, bin, ...argv]);

function config(name: string, fields: object): string {
  const study = { models: ['vit'], calibration: 'photos', samples: 3, evaluation: 'labelled', ...fields };
  writeFileSync(join(scratch, name), JSON.stringify(study));
  return name;
}

interface SweepJson {
  readonly rows: readonly {
    readonly recipe: string;
    readonly fingerprint: string;
    readonly folder?: string;
    readonly bytes: object;
  }[];
  readonly failures: readonly { readonly recipe: string; readonly message: string }[];
}

const begun = (processes: readonly Process[]): string[] =>
  processes.flatMap(({ lines }) => lines.filter((line) => /^begin (MatMul|BiasAdd) \d+$/.test(line)));
const resultsIn = (folder: string): Map<string, string> => {
  const cells = join(scratch, folder, 'cells');
  const names = existsSync(cells) ? readdirSync(cells).filter((name) => name.endsWith('.json')) : [];
  return new Map(names.map((name) => [name, readFileSync(join(cells, name), 'utf8')]));
};

/** A kill may lose the weight that was being rounded; nothing else is computed twice. */
function expectOnce(processes: readonly Process[], kills: number): void {
  const all = begun(processes);
  expect(all.length).toBeGreaterThan(0);
  expect(all.length - new Set(all).size).toBeLessThanOrEqual(kills);
}

test('killed and resumed: finished cells stay, shared passes run once, a failure takes no other along, models are those of cq compress', async () => {
  const study = config('study.json', {
    recipes: [...recipes, { name: 'broken', config: 'all.mjs', export: 'broken' }],
  });
  const first = cq('sweep', study);
  await first.said(/^end MatMul 3$/);
  expect([...resultsIn('study.sweep').keys()].length).toBe(1); // int8, the first
  first.child.kill('SIGKILL');
  expect(await first.ended).toBe(null);
  const kept = resultsIn('study.sweep');

  const second = cq('sweep', study, '--resume', '--json');
  expect(await second.ended).toBe(1);
  expect(second.lines.at(-1)).toMatch(/^sweep: 1 of 4 cells failed, the first vit × broken: .*no luck/);
  expectOnce([first, second], 1);
  for (const [name, result] of kept) expect(resultsIn('study.sweep').get(name)).toBe(result);

  const { rows, failures } = JSON.parse(second.stdout()) as SweepJson;
  expect(rows.map(({ recipe }) => recipe)).toEqual(['int8', 'a', 'b']);
  expect(failures).toMatchObject([{ model: 'vit', recipe: 'broken' }]);
  expect(JSON.parse(readFileSync(join(scratch, 'study.sweep/sweep.json'), 'utf8'))).toEqual({
    ...(JSON.parse(second.stdout()) as object),
  });
  const csv = readFileSync(join(scratch, 'study.sweep/sweep.csv'), 'utf8').trimEnd().split('\r\n');
  expect([csv.length, csv[1]]).toEqual([4, expect.stringMatching(/^vit,int8,1,quantize-uniform,top-1,/)]);
  const html = readFileSync(join(scratch, 'study.sweep/sweep.html'), 'utf8');
  expect(html.match(/<svg/g)?.length).toBe(4); // each plot once for wide pages and once for narrow ones
  expect(html.match(/<circle/g)?.length).toBe(12);
  expect(html.match(/<script/g)?.length).toBe(1); // sorts the table
  expect(html).not.toMatch(/src=|href=|url\(/);

  const compressed = cq(
    ...['compress', 'vit', '--config', 'all.mjs', '--calibration', 'photos', '--samples', '3', '--out', 'b'],
  );
  expect(await compressed.ended).toBe(0);
  const weights = (folder: string): Buffer => readFileSync(join(scratch, folder, 'group1-shard1of1.bin'));
  expect(weights(join('study.sweep', rows[2]!.folder!))).toEqual(weights('b'));
});

const redis = spawnSync('redis-server', ['--version']).status === 0;
if (!redis) process.stdout.write('redis-server is not on the PATH: the test of sweeps on several workers is skipped\n');

(redis ? test : test.skip)(
  'on two workers, one of them killed in the middle of a cell, every cell ends once',
  async () => {
    const port = await freePort();
    const server = start('redis-server', [
      ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', scratch],
    ]);
    await server.said(/Ready to accept connections/);
    const url = `redis://127.0.0.1:${port}`;
    const worker = (): Process => cq('worker', '--redis', url, '--stalled-after', '3');
    const sweep = cq('sweep', config('spread.json', { recipes }), '--redis', url, '--json');
    const workers = [worker(), worker()] as const;
    const early = sweep.ended.then((): never => {
      throw new Error(sweep.lines.join('\n'));
    });
    const victim = await Promise.race([early, ...workers.map((one) => one.said(/^end MatMul 3$/).then(() => one))]);
    victim.child.kill('SIGKILL');
    const other = workers.find((one) => one !== victim)!;

    expect(await sweep.ended).toBe(0);
    const { rows, failures } = JSON.parse(sweep.stdout()) as SweepJson;
    expect([rows.map(({ recipe }) => recipe), failures]).toEqual([['int8', 'a', 'b'], []]);
    expect([...resultsIn('spread.sweep').keys()].sort()).toEqual(
      rows.map(({ fingerprint }) => `${fingerprint}.json`).sort(),
    );

    const said = (kind: string): string[] =>
      workers.flatMap(({ lines }) =>
        lines.filter((line) => line.startsWith(kind)).map((line) => line.slice(kind.length).trim()),
      );
    const done = said('done');
    expect(new Set(done).size).toBe(done.length);
    expect(done.length).toBe(4); // Three cells, and the pass that two of them begin with.
    expect(said('begins').length).toBeGreaterThan(done.length);
    expect(said('failed')).toEqual([]);
    const lost = victim.lines.filter((line) => line.startsWith('begins')).at(-1)!;
    expect(other.lines).toContain(lost.replace('begins', 'done  '));
    expectOnce(workers, 1);

    other.child.kill('SIGINT');
    expect(await other.ended).toBe(0);
    server.child.kill();
    await server.ended;
  },
);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
