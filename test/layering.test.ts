import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = join(__dirname, '..');

/** What each package's sources may import, beside Node and files of their own. `*`: anything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-converter', 'pure-rand'],
  'import-hf': ['@cq/core', '@huggingface/hub', 'zod'],
  data: ['@cq/core', '@huggingface/tokenizers', 'csv-parse', 'pure-rand', 'sharp'],
  eval: ['@cq/core', '@cq/core/runtime'],
  'outlier-correct': ['@cq/core', '@tensorflow/tfjs-core'],
  distill: ['@cq/core', '@tensorflow/tfjs-core'],
  prune: ['@cq/core', '@tensorflow/tfjs-core'],
  'quant-log2': ['@cq/core', '@tensorflow/tfjs-core'],
  'quant-pot': ['@cq/core', '@tensorflow/tfjs-core'],
  'backend-wasm': [
    '@cq/core/runtime',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-converter',
    '@tensorflow/tfjs-backend-wasm',
  ],
  'backend-webgl': [
    '@cq/core/runtime',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-converter',
    '@tensorflow/tfjs-backend-webgl',
  ],
  tasks: [
    '@cq/core',
    '@cq/core/node',
    '@cq/data',
    '@cq/data/browser',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-converter',
  ],
  cli: ['*'],
};

/** Packages that pages use: nothing of Node outside the folders named. */
const pageSafe: Readonly<Record<string, readonly string[]>> = {
  core: ['node'],
  'backend-wasm': [],
  'backend-webgl': [],
  distill: [],
  eval: [],
  'outlier-correct': [],
  prune: [],
  'quant-log2': [],
  'quant-pot': [],
  tasks: ['node'],
};

interface Import {
  readonly file: string;
  readonly from: string;
}

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        name.endsWith('.ts') &&
        !name.endsWith('.test.ts') &&
        !name.includes('generated') &&
        !name.startsWith('testing'),
    )
    .map((name) => join(folder, name));

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(
    /(?:^|\n)(?:import|export)\s[^;]*?from\s+'([^']+)'|(?:^|\n)import\s+'([^']+)'|import\('([^']+)'\)/g,
  );
  return [...statements].map(([, a, b, c]) => ({ file, from: (a ?? b ?? c)! }));
}

const packageImports = (name: string): Import[] => sources(join(root, 'packages', name, 'src')).flatMap(importsOf);

test('every package has its rule', () => {
  expect(readdirSync(join(root, 'packages')).sort()).toEqual(Object.keys(allowed).sort());
});

test.each(Object.keys(allowed))('%s imports only what the diagram allows', (name) => {
  const list = allowed[name]!;
  const outside = packageImports(name).filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'));
  expect(outside.length).toBeGreaterThan(0);
  const base = (from: string): string =>
    list.includes(from)
      ? from
      : from
          .split('/')
          .slice(0, from.startsWith('@') ? 2 : 1)
          .join('/');
  const wrong = outside.filter(
    ({ from }) =>
      !list.includes('*') && !(list.includes(base(from)) && (base(from) !== '@cq/core' || from === '@cq/core')),
  );
  expect(wrong.map(({ file, from }) => `${relative(root, file)} imports ${from}`)).toEqual([]);
});

test.each(Object.keys(allowed))('%s declares what it imports', (name) => {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
  ) as { dependencies?: Record<string, string>; peerDependencies?: Record<string, string> };
  const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  const used = packageImports(name)
    .map(({ from }) => from)
    .filter((from) => !from.startsWith('.') && !from.startsWith('node:'))
    .map((from) =>
      from
        .split('/')
        .slice(0, from.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  expect([...new Set(used)].filter((from) => !declared.includes(from))).toEqual([]);
});

test.each(Object.entries(pageSafe))('%s runs in a page: nothing of Node outside %j', (name, folders) => {
  const src = join(root, 'packages', name, 'src');
  const wrong = packageImports(name).filter(
    ({ file, from }) =>
      from.startsWith('node:') && !folders.some((folder) => relative(src, file).startsWith(folder + sep)),
  );
  expect(wrong.map(({ file, from }) => `${relative(root, file)} imports ${from}`)).toEqual([]);
});

test('core/runtime imports nothing of core but its errors', () => {
  const runtime = join(root, 'packages/core/src/runtime');
  const wrong = sources(runtime)
    .flatMap(importsOf)
    .filter(({ from }) => from.startsWith('../') && from !== '../errors.ts');
  expect(wrong.map(({ file, from }) => `${relative(root, file)} imports ${from}`)).toEqual([]);
});

test('inside core, a file imports only files that stand above it in index.ts', () => {
  const src = join(root, 'packages/core/src');
  const order = importsOf(join(src, 'index.ts'))
    .filter(({ from }) => from.startsWith('./'))
    .map(({ from }) => from.slice(2));
  const position = new Map(order.map((file, i) => [file, i]));
  const wrong: string[] = [];
  for (const file of order) {
    for (const { from } of importsOf(join(src, file))) {
      const target = relative(src, join(src, file, '..', from))
        .split(sep)
        .join('/');
      if (!from.startsWith('.') || target.includes('/')) continue;
      if (!position.has(target)) wrong.push(`${file} imports ${target}, which index.ts does not list`);
      else if (position.get(target)! >= position.get(file)!)
        wrong.push(`${file} imports ${target}, which stands below it`);
    }
  }
  expect(wrong).toEqual([]);
});

test('every public package says what it is, who may use it, and ships no test', () => {
  for (const name of Object.keys(allowed)) {
    const folder = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ name: `@cq/${name}`, license: 'Apache-2.0', type: 'module' });
    expect(manifest['files']).toContain('!**/*.test.ts');
    expect(existsSync(join(folder, 'README.md'))).toBe(true);
  }
});
