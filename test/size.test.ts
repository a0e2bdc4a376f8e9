import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Size {
  readonly name: string;
  readonly passed: boolean;
  readonly size: number;
  readonly sizeLimit: number;
}

test('what a page downloads stays within its limits', () => {
  const root = join(__dirname, '..');
  const { stdout } = spawnSync(process.execPath, ['node_modules/size-limit/bin.js', '--json'], {
    cwd: root,
    encoding: 'utf8',
  });
  const sizes = JSON.parse(stdout) as readonly Size[];
  expect(sizes.map(({ sizeLimit }) => sizeLimit)).toEqual([60_000, 15_000]);
  for (const { name, size, sizeLimit } of sizes) {
    expect({ name, size, fits: size > 1000 && size <= sizeLimit }).toEqual({ name, size, fits: true });
  }
});
