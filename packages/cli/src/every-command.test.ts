import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { knownPasses } from './config.ts';
import { recipes } from './recipes.ts';
import { commands, run } from './run.ts';
import { collector, cq, type Outcome } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

/** What all commands promise, whichever there are. */
const { stdout, stderr } = process;
const all = commands({ stdout, stderr, env: {}, signal: new AbortController().signal }).commands;
const names = all.map((command) => command.name());

/** The usual slip of the fingers: two letters change places. */
const swapped = (word: string): string => word.replace(/(.)(?!\1)(.)(\2?)$/, '$2$1$3');

async function wrongUse(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cq(...argv);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return stderr;
}

describe.each(names)('%s', (name) => {
  test('--help has an example, and help NAME is the same', async () => {
    const outcome = await cq(name, '--help');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(new RegExp(`\nExample:\n  cq ${name}\\b`));
    expect(await cq('help', name)).toEqual(outcome);
  });

  test('misspelt, it is suggested', async () => {
    for (const argv of [[swapped(name)], ['help', swapped(name)], [swapped(name), '--help']])
      expect(await wrongUse(...argv)).toBe(
        `cq: unknown command '${swapped(name)}' (Did you mean ${name}?); see cq --help\n`,
      );
  });

  const command = all.find((one) => one.name() === name)!;
  const options = command.createHelp().visibleOptions(command);
  test.each(options.map(({ long }) => long!))('misspelt, its %s is suggested', async (option) => {
    expect(await wrongUse(name, swapped(option))).toContain(`(Did you mean ${option}?)`);
  });
});

test.each(Object.keys(recipes))('misspelt, the recipe %s is suggested', async (recipe) => {
  const typed = ['--recipe', swapped(recipe)];
  for (const argv of [
    ['compress', 'm', '--out', 'o', ...typed],
    ['sensitivity', 'm', '--data', 'd', ...typed],
  ])
    expect(await wrongUse(...argv)).toContain(`"${swapped(recipe)}"; did you mean "${recipe}"?`);
});

const folder = temporaryFolder();
test.each(Object.keys(knownPasses))('misspelt, the pass %s is suggested', async (pass) => {
  const config = join(folder, 'passes.json');
  writeFileSync(config, JSON.stringify({ passes: [{ name: swapped(pass) }] }));
  for (const argv of [
    ['compress', 'm', '--out', 'o', '--config', config],
    ['sensitivity', 'm', '--data', 'd', '--config', config],
  ])
    expect(await wrongUse(...argv)).toContain(`"${swapped(pass)}"; did you mean "${pass}"?`);
});

test.each([
  ['compress', '--effort', 'quick'],
  ['compress', '--target', 'latency'],
  ['eval', '--backend', 'wasm'],
  ['bench', '--against', 'ort-web'],
])('misspelt, the value of %s %s is suggested', async (command, option, value) => {
  expect(await wrongUse(command, 'm', option, swapped(value))).toContain(`did you mean "${value}"?`);
});

/** In this process, with a terminal for progress. */
async function onTerminal(argv: readonly string[], signal: AbortSignal): Promise<Outcome> {
  const [stdout, stderr] = [collector(), collector()];
  const terminal = Object.assign(stderr.stream, { isTTY: true });
  const code = await run(argv, { stdout: stdout.stream, stderr: terminal, env: {}, signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** In one of its own, for commands that start more. */
function inProcess(argv: readonly string[]): Outcome {
  const hooks = fileURLToPath(new URL('../../../test/typescript-hooks.mjs', import.meta.url));
  const terminal = 'data:text/javascript,process.stderr.isTTY = true';
  const node = ['--conditions=@cq/source', '--import', terminal, '--import', hooks];
  const bin = fileURLToPath(new URL('./bin.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, bin, ...argv], { encoding: 'utf8' });
  return { code: status!, stdout, stderr };
}

describe('--json: one document on stdout and nothing on stderr, though that is a terminal', () => {
  const model = join(folder, 'vit');
  const data = join(folder, 'images');
  const study = join(folder, 'study.json');
  const lines: Readonly<Record<string, readonly string[]>> = {
    inspect: [model],
    compress: [model, '--recipe', 'int8', '--calibration', data, '--samples', '1', '--out', join(folder, 'out')],
    eval: [model, '--data', data],
    sensitivity: [
      ...[model, '--recipe', 'int8-dynamic', '--data', data],
      ...['--limit', '1', '--screen', '1', '--worst', '1'],
    ],
    bench: [model, '--rounds', '1'],
    sweep: [study],
    worker: ['--redis', 'URL'],
    doctor: [],
  };
  beforeAll(async () => {
    tinyModel(model);
    await tinyImages(data, 2);
    writeFileSync(study, JSON.stringify({ models: ['vit'], recipes: ['int8-dynamic'], evaluation: 'images' }));
  });

  test('all that show results take it', () => {
    expect(Object.keys(lines)).toEqual(names.filter((name) => name !== 'completion'));
  });

  const silent = ({ code, stdout, stderr }: Outcome): void => {
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toBeInstanceOf(Object);
  };
  const { signal } = new AbortController();
  test.each(['inspect', 'compress', 'eval', 'sensitivity', 'doctor'])('%s', async (name) => {
    silent(await onTerminal([name, ...lines[name]!, '--json'], signal));
  });
  test('without it that terminal shows progress', async () => {
    expect((await onTerminal(['eval', ...lines['eval']!], signal)).stderr).toMatch(/[━─]/);
  });
  test('compress --dry-run', async () => {
    silent(await onTerminal(['compress', model, '--recipe', 'w4', '--dry-run', '--json'], signal));
  });
  test.each(['bench', 'sweep'])('%s', (name) => {
    silent(inProcess([name, ...lines[name]!, '--json']));
  });

  const redis = spawnSync('redis-server', ['--version']).status === 0;
  if (!redis) process.stdout.write('redis-server is not on the PATH: --json of cq worker is not tested\n');
  (redis ? test : test.skip)('worker', async () => {
    const port = await freePort();
    const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
    const said: string[] = [];
    for await (const chunk of server.stdout) {
      said.push(String(chunk));
      if (said.join('').includes('Ready to accept connections')) break;
    }
    silent(await onTerminal(['worker', '--redis', `redis://127.0.0.1:${port}`, '--json'], AbortSignal.abort()));
    server.kill();
    await once(server, 'exit');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
