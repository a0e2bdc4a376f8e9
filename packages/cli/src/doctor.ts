import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CqError } from '@cq/core';
import type { Command } from 'commander';
import { simdLevel } from './bench-simd.ts';
import type { Io } from './io.ts';
import { colors, printJson, printLines, table } from './output.ts';

export interface Check {
  readonly what: string;
  readonly found: string;
  /** `missing`: something optional. */
  readonly verdict: 'good' | 'missing' | 'bad';
  readonly remedy?: string;
}

export function doctorCommand(program: Command, io: Io): void {
  program
    .command('doctor')
    .summary('whether this machine and project have what @cq needs')
    .description('Looks at Node, vector instructions, threads, the versions of TensorFlow.js, and optional packages.')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  cq doctor\n\nExit code 1 if something is bad; what is missing is optional.')
    .action(({ json = false }: { readonly json?: boolean }) => {
      const checks = examine(process.cwd());
      if (json) printJson(io, { checks });
      else printLines(io, describe(io, checks));
      const bad = checks.find(({ verdict }) => verdict === 'bad');
      if (bad) throw new CqError(`doctor: ${bad.what}: got ${bad.found}; ${bad.remedy}`);
    });
}

/** @param project The folder whose packages are looked at beside our own. */
export function examine(project: string): readonly Check[] {
  return [
    node(process.versions.node),
    simd(),
    threads(),
    tensorflow(project),
    ...peers.map((peer) => optional(project, peer)),
  ];
}

export function node(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const good = major > 20 || (major === 20 && minor >= 19);
  return {
    what: 'Node',
    found: version,
    ...(good ? { verdict: 'good' } : { verdict: 'bad', remedy: 'install Node 20.19 or newer' }),
  };
}

function simd(): Check {
  const found = simdLevel();
  const what = 'WebAssembly';
  if (found === 'no SIMD')
    return { what, found, verdict: 'bad', remedy: 'the kernels need SIMD: use a current engine' };
  return { what, found, verdict: 'good' };
}

function threads(): Check {
  return { what: 'threads', found: `${availableParallelism()} at once, see --threads`, verdict: 'good' };
}

const parts = ['tfjs-core', 'tfjs-converter', 'tfjs-backend-wasm', 'tfjs-layers'];

/** Ours and those that the project resolves: two of one kind do not know each other's backends and tensors. */
function tensorflow(project: string): Check {
  const what = 'TensorFlow.js';
  const found = new Map<string, string[]>();
  for (const part of parts) {
    for (const from of [import.meta.url, pathToFileURL(join(project, 'package.json')).href]) {
      const version = versionOf(`@tensorflow/${part}`, from);
      if (version !== undefined) found.set(version, [...new Set([...(found.get(version) ?? []), part])]);
    }
  }
  if (found.size === 1) return { what, found: [...found.keys()][0]!, verdict: 'good' };
  const several = [...found].map(([version, names]) => `${version} of ${names.join(', ')}`).join(' and ');
  return { what, found: several || 'none', verdict: 'bad', remedy: 'install one version of all its packages, ~4.22.0' };
}

const peers = [
  { name: 'onnxruntime-web', for: 'cq bench with .onnx files' },
  { name: 'bullmq', for: 'cq sweep --redis' },
  { name: 'ioredis', for: 'cq sweep --redis' },
];

function optional(project: string, peer: (typeof peers)[number]): Check {
  const version =
    versionOf(peer.name, import.meta.url) ?? versionOf(peer.name, pathToFileURL(join(project, 'package.json')).href);
  if (version !== undefined) return { what: peer.name, found: version, verdict: 'good' };
  return { what: peer.name, found: 'none', verdict: 'missing', remedy: `npm install ${peer.name}, for ${peer.for}` };
}

/** Of a package as a file sees it: from the package.json in one of the folders where it would be looked for. */
function versionOf(name: string, from: string): string | undefined {
  const require = createRequire(from);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(join(folder, name, 'package.json')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return undefined;
}

function describe(io: Io, checks: readonly Check[]): string[] {
  const { green, yellow, red } = colors(io);
  const mark = { good: green('✓'), missing: yellow('–'), bad: red('✗') };
  const rows = checks.map(({ what, found, verdict, remedy }) => [mark[verdict], what, found, remedy ?? '']);
  return [table(io, ['', '', 'found', 'remedy'], rows)];
}
