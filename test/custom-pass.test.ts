import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack, run } from './pack.ts';

const root = join(__dirname, '..');
const example = join(root, 'examples/custom-pass');
const scratch = mkdtempSync(join(tmpdir(), 'cq-custom-pass-'));
const user = join(scratch, 'project');
afterAll(() => rmSync(scratch, { recursive: true }));

const read = (file: string): string => readFileSync(join(example, file), 'utf8');

/**
 * The example as a project of a user: its sources, @cq/core from the tarball, and of everything else nothing but what
 * its package.json names and the types of Node, linked to where they are installed already: no network.
 */
beforeAll(() => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  cpSync(join(example, 'src'), join(user, 'src'), { recursive: true });
  for (const file of ['package.json', 'tsconfig.build.json']) cpSync(join(example, file), join(user, file));
  for (const name of Object.keys(dependencies)) {
    if (name !== '@cq/core') link(join(example, 'node_modules', name), name);
  }
  for (const name of Object.keys(coreDependencies())) link(join(root, 'packages/core/node_modules', name), name);
  link(join(root, 'node_modules/@types/node'), '@types/node');
  const core = join(user, 'node_modules/@cq/core');
  mkdirSync(core, { recursive: true });
  run('tar', ['-xzf', pack(['core'], scratch).get('core')!, '-C', core, '--strip-components', '1']);
});

/** What installing the tarball would bring along. */
function coreDependencies(): Record<string, string> {
  const manifest = readFileSync(join(root, 'packages/core/package.json'), 'utf8');
  return (JSON.parse(manifest) as { dependencies?: Record<string, string> }).dependencies ?? {};
}

function link(from: string, name: string): void {
  const to = join(user, 'node_modules', name);
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(realpathSync(from), to, 'junction');
}

test('its package.json names @cq/core and TensorFlow.js, nothing else', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((name) => !name.startsWith('@tensorflow/'))).toEqual(['@cq/core']);
});

test('it compiles against the packed types and runs in plain Node; sparsity survives quantization', () => {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], user);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js'], { cwd: user, encoding: 'utf8' });
  expect(stderr).not.toMatch(/Error/);
  expect(status).toBe(0);

  const rows = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
      .map(([name, ...rest]) => [name, rest]),
  );
  const [sparse, quantized, both] = ['dropSmall', 'quantizeUniform', 'dropSmall, quantizeUniform'].map((name) =>
    rows.get(name)!,
  );
  expect(both![0]).toBe(sparse![0]);
  expect(parseFloat(both![0]!)).toBeGreaterThan(10);
  expect(both![1]).toBe(quantized![1]);
  expect(both![4]).toBe('y');
});

test('its guide shows the pass, of at most 25 lines, and its test as they are', () => {
  const guide = read('README.md');
  for (const file of ['src/drop-small.ts', 'src/drop-small.test.ts']) expect(guide).toContain(read(file));
  expect(read('src/drop-small.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(25);
});
