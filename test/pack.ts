import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');

/** Runs a command to its end; what it prints is the error if it fails. */
export function run(command: string, parameters: readonly string[], folder = root): string {
  const { status, error, stdout, stderr } = spawnSync(command, parameters, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}\n${error ?? ''}${stdout}${stderr}`);
  return stdout;
}

/**
 * Packs the packages of these names into a folder, as publishing does.
 * @returns the path of each tarball by the name of its package's folder.
 */
export function pack(names: readonly string[], destination: string): ReadonlyMap<string, string> {
  const unbuilt = names.find((name) => !existsSync(join(root, 'packages', name, 'dist/index.js')));
  if (unbuilt)
    throw new Error(`packages/${unbuilt} is not built: run "npm test", which builds first, or "npm run build"`);
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string };
  const filters = names.flatMap((name) => ['--filter', `./packages/${name}`]);
  run('npx', [
    '--yes',
    '--prefer-offline',
    packageManager,
    ...filters,
    '-r',
    'pack',
    '--pack-destination',
    destination,
  ]);
  const tarballs = readdirSync(destination);
  return new Map(
    names.map((name) => [
      name,
      join(
        destination,
        tarballs.find((file) => isTarballOf(name, file))!,
      ),
    ]),
  );
}

function isTarballOf(name: string, file: string): boolean {
  return new RegExp(`^cq-${name}-\\d+\\.\\d+\\.\\d+.*\\.tgz$`).test(file);
}
