import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { loweredOps } from '@cq/core/runtime';
import { transformSync } from '@swc/core';
import { codeBlocks } from './code-blocks.ts';
import { writeMaterials } from './materials.ts';

const root = join(__dirname, '..');
const docs = join(root, 'docs');
/** The first one makes the model that others read. */
const pages = ['start.md', ...readdirSync(docs).filter((name) => name.endsWith('.md') && name !== 'start.md')];
const scratch = mkdtempSync(join(tmpdir(), 'cq-docs-'));
/** Here modules find the packages that documents import. */
const modules = join(__dirname, 'node_modules', `.docs-${process.pid}`);
afterAll(() => {
  rmSync(scratch, { recursive: true });
  rmSync(modules, { recursive: true, force: true });
});

const blocks = pages.flatMap((page) =>
  codeBlocks(join(docs, page)).map((block) => ({ ...block, page, title: `${page}:${block.line}` })),
);
const lines = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code, title }) =>
    code.split('\n').map((text) => ({ title, command: text.replace(/\s+#.*$/, '').trim() })),
  )
  .filter(({ command }) => command !== '');

/** These take long, and have tests of their own: their lines are only read. */
const long = /^cq bench |--max-drop/;

/** A module with its text, or a command. */
interface Work {
  readonly title: string;
  readonly run: string;
  readonly code?: string;
}

/** What runs one after the other, in the order of the pages. */
const work = blocks.flatMap(({ language, place, code, title }, index): Work[] => {
  if (language === 'sh') {
    const commands = lines.filter((line) => line.title === title).map(({ command }) => command.replace(/^npx /, ''));
    return commands.flatMap((command) =>
      command.startsWith('cq ') && !long.test(command) ? [{ title: `${title} ${command}`, run: command }] : [],
    );
  }
  if (language !== 'js' || place === 'page') return [];
  const file = join(modules, `${index}.${place === 'commonjs' ? 'cjs' : 'mjs'}`);
  return [{ title, run: file, code }];
});

let results: readonly string[];
beforeAll(async () => {
  await writeMaterials(scratch);
  mkdirSync(modules, { recursive: true });
  for (const { run, code } of work) if (code !== undefined) writeFileSync(run, code);
  const flags = ['--conditions=@cq/source', '--import', join(__dirname, 'typescript-hooks.mjs')];
  const given = JSON.stringify(work.map(({ run }) => run));
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(__dirname, 'docs-child.ts'), given], {
    cwd: scratch,
    encoding: 'utf8',
  });
  results = [...stdout.matchAll(/^@result (.*)$/gm)].map(([, json]) => JSON.parse(json!) as string);
  if (results.length < work.length) throw new Error(`${work[results.length]!.title} ended the process\n${stderr}`);
}, 120_000);

test.each(work.map(({ title }, index) => [title, index] as const))('%s runs', (_, index) => {
  expect(results[index]).toBe('ok');
});

const inPages = blocks.filter(({ place }) => place === 'page');

test.each(inPages.map(({ title, code }) => [title, code]))(
  '%s: a bundler makes one file of it for a page',
  (title, code) => {
    const file = join(modules, `${title.replace(/\W/g, '-')}.mjs`);
    writeFileSync(file, code);
    const flags = [
      '--bundle',
      '--format=esm',
      '--conditions=@cq/source',
      '--main-fields=module,browser,main',
      '--log-level=error',
    ];
    const node = ['fs', 'os', 'path', 'util', 'crypto', 'perf_hooks', 'worker_threads'].map(
      (name) => `--external:${name}`,
    );
    const esbuild = join(root, 'node_modules/esbuild/bin/esbuild');
    const { status, stdout, stderr } = spawnSync(esbuild, [file, ...flags, ...node], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toMatch(/from "node:|from "sharp"/);
  },
);

test('every line of shell is one that can be typed here', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const known = readdirSync(join(root, 'packages')).map((name) => `@cq/${name}`);
  for (const { title, command } of lines) {
    const [program, first] = command.replace(/^npx /, '').split(/\s+/) as [string, string?];
    if (program === 'cq') continue;
    const packages = command.match(/@cq\/[\w-]+/g) ?? [];
    const script = command.startsWith('npm run') ? command.match(/npm run (?:-s )?([\w:-]+)/)![1]! : first!;
    const sound =
      first === 'install' ? packages.every((name) => known.includes(name)) : program === 'npm' && script in scripts;
    expect({ title, command, sound }).toEqual({ title, command, sound: true });
  }
});

test('blocks in other languages are sound JSON, or nothing that runs', () => {
  for (const { language, code, title } of blocks) {
    if (language === 'json') expect(() => JSON.parse(code) as unknown).not.toThrow();
    expect({ title, known: ['js', 'sh', 'json', 'text', ''].includes(language) }).toEqual({ title, known: true });
    if (language === 'js') expect(() => transformSync(code, { jsc: { target: 'es2022' } })).not.toThrow();
  }
});

test('the page on the file format names every op with its inputs', () => {
  const text = readFileSync(join(docs, 'file-format.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(Cq\w+)`\s*\| (.*?)\s*\|$/gm)].map(([, op, inputs]) => [
    op,
    inputs!.replace(/[()]/g, ''),
  ]);
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries([...loweredOps.values()].map(({ name, inputs }) => [name, inputs.join(', ')])),
  );
});

/** What the site takes from elsewhere counts, too: those documents link from where they lie. */
const documents = [
  ...pages.map((name) => `docs/${name}`),
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'],
  ...['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}/README.md`),
  ),
].filter((file) => existsSync(join(root, file)));

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/`/g, '')
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, ''),
  );

test.each(documents)('%s: links and includes lead somewhere', (document) => {
  const file = join(root, document);
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|<!--(?:@include:| section) (\S+?) ?-->|link: (\/[\w/-]+)/g)].map(
    ([, a, b, c]) => (a ?? b ?? c)!,
  );
  const dead = links.filter((link) => {
    if (/^(https?|mailto):/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : path.startsWith('/') ? join(docs, `${path}.md`) : resolve(dirname(file), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
  });
  expect(dead).toEqual([]);
});
