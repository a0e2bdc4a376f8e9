import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { pack, run } from './pack.ts';

const root = join(__dirname, '..');
const names = readdirSync(join(root, 'packages'));
const scratch = mkdtempSync(join(tmpdir(), 'cq-packages-'));
let tarballs: ReadonlyMap<string, string>;
beforeAll(() => {
  tarballs = pack(names, scratch);
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** What users get: the paths in the tarball, and where they are unpacked. */
function unpacked(name: string): { folder: string; files: string[] } {
  const folder = join(scratch, name);
  mkdirSync(folder);
  run('tar', ['-xzf', tarballs.get(name)!, '-C', folder, '--strip-components', '1']);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    );
  return { folder, files };
}

describe.each(names)('the tarball of @cq/%s', (name) => {
  test('holds what it needs, no test, and nothing of this machine', () => {
    const { folder, files } = unpacked(name);
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const others = files.filter((file) => !/^(dist|src)\/|^(LICENSE|README\.md|package\.json)$/.test(file));
    expect(others).toEqual([]);
    expect(files.filter((file) => /\.test\.|\btest(s|ing)?\/|fixtures|golden/.test(file))).toEqual([]);
    expect(files.filter((file) => readFileSync(join(folder, file)).includes(root))).toEqual([]);
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).not.toMatch(/"(workspace|file|link):/);
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
