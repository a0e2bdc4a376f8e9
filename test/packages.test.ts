import {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { codeBlocks } from './code-blocks.ts';
import { pack, run } from './pack.ts';
import { writeReadmeProject } from './readme-project.ts';

const root = join(__dirname, '..');
const names = readdirSync(join(root, 'packages'));
const scratch = mkdtempSync(join(tmpdir(), 'cq-packages-'));
/** Has the tarballs' contents where modules look for packages. */
const project = join(scratch, 'project');
const folderOf = (name: string): string => join(project, 'node_modules/@cq', name);
let tarballs: ReadonlyMap<string, string>;
beforeAll(() => {
  tarballs = pack(names, scratch);
  for (const name of names) unpack(name);
});
afterAll(() => rmSync(scratch, { recursive: true }));

function unpack(name: string): void {
  mkdirSync(folderOf(name), { recursive: true });
  run('tar', ['-xzf', tarballs.get(name)!, '-C', folderOf(name), '--strip-components', '1']);
}

/** What users get. */
const filesOf = (name: string): string[] =>
  readdirSync(folderOf(name), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folderOf(name).length + 1)
        .split(sep)
        .join('/'),
    );

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as Manifest;

describe.each(names)('the tarball of @cq/%s', (name) => {
  test('holds what it needs, no test, and nothing of this machine', () => {
    const files = filesOf(name);
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const others = files.filter((file) => !/^(dist|src)\/|^(LICENSE|README\.md|package\.json)$/.test(file));
    expect(others).toEqual([]);
    expect(files.filter((file) => /\.test\.|\btest(s|ing)?\/|fixtures|golden/.test(file))).toEqual([]);
    expect(files.filter((file) => readFileSync(join(folderOf(name), file)).includes(root))).toEqual([]);
    expect(readFileSync(join(folderOf(name), 'package.json'), 'utf8')).not.toMatch(/"(workspace|file|link):/);
  });

  test('has entries that publint finds sound', () => {
    const publint = join(root, 'node_modules/publint/src/cli.js');
    expect(run(process.execPath, [publint, 'run', tarballs.get(name)!, '--strict'])).toContain('All good!');
  });

  test('has types that every resolution of ES modules finds', () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    run(process.execPath, [attw, tarballs.get(name)!, '--profile', 'esm-only', '--no-definitely-typed', '--no-emoji']);
  });
});

/** The tarballs with nothing else of ours; install.full.test.ts lets npm install them. */
describe('a project that has the tarballs and what they name', () => {
  beforeAll(() => {
    for (const name of names) linkOthers(name);
  });

  /** Packages of other people that a manifest names: a tarball that names one too few does not find it here. */
  function linkOthers(name: string): void {
    const { dependencies, peerDependencies, peerDependenciesMeta = {} } = manifestOf(name);
    const needed = Object.keys({ ...dependencies, ...peerDependencies }).filter(
      (other) => !other.startsWith('@cq/') && !peerDependenciesMeta[other]?.optional,
    );
    for (const other of needed) {
      const link = join(project, 'node_modules', other);
      if (existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'packages', name, 'node_modules', other), link, 'junction');
    }
  }

  test('runs the script of the README in Node', async () => {
    const { script, labels } = await writeReadmeProject(project);
    expect(script.trim().split('\n').length).toBeLessThanOrEqual(13);
    for (const expected of ["'out/deit-int8'", "'photo.jpg'", '224, 224']) expect(script).toContain(expected);
    expect(labels).toContain(run(process.execPath, ['readme.mjs'], project).trim().split('\n').at(-1));
  });

  test('imports every package from CommonJS, as the documentation says', () => {
    const [block] = codeBlocks(join(root, 'docs/modules.md')).filter(({ place }) => place === 'commonjs');
    const all = names.map((name) => `await import('@cq/${name}')`);
    writeFileSync(
      join(project, 'main.cjs'),
      `${block!.code}\n(async () => console.log([${all.join(', ')}].map((module) => Object.keys(module).length).join(' ')))();`,
    );
    const lines = run(process.execPath, ['main.cjs'], project).trim().split('\n');
    const exported = lines
      .find((line) => /^[\d ]+$/.test(line))!
      .split(' ')
      .map(Number);
    expect(exported).toHaveLength(names.length);
    expect(Math.min(...exported)).toBeGreaterThan(0);
  });

  test('has the cq command', () => {
    expect(run(process.execPath, [join(folderOf('cli'), 'dist/bin.js'), '--help'], project)).toContain('Usage: cq');
  });
});
