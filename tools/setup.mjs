/**
 * What `npm start` and `npm test` need on a machine with only Node and npm: the pinned pnpm (through npx), the frozen
 * lockfile, and the built packages. Each step is skipped when nothing changed since it last ran.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old; @cq needs Node 20.19 or newer`);
}

const stamp = join(root, 'node_modules', '.cq-installed');
const wanted = fingerprint();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  step('Installing', 'npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only']);
  writeFileSync(stamp, wanted);
}
step('Building', 'node', ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'build', '--outputStyle=static']);

/** Changes whenever the lockfile or a package.json does. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const folder of ['.', 'test', ...children('packages'), ...children('examples')]) {
    hash.update(readFileSync(join(root, folder, 'package.json')));
  }
  return hash.update(readFileSync(join(root, 'pnpm-lock.yaml'))).digest('hex');
}

function children(folder) {
  return readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((path) => existsSync(join(root, path, 'package.json')));
}

/** Says what it does on stderr (stdout belongs to the command that comes next), and what it printed only if it fails. */
function step(title, command, parameters) {
  const start = performance.now();
  process.stderr.write(`${title} …`);
  const { status, error, stdout, stderr } = spawnSync(command, parameters, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
  });
  if (status !== 0) {
    process.stderr.write(`\n${stdout ?? ''}${stderr ?? ''}`);
    fail(`"${command} ${parameters.join(' ')}" failed${error ? `: ${error.message}` : ''}`);
  }
  process.stderr.write(` ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}
