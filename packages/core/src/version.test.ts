import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from './index.ts';

test('the version is that of the package', () => {
  const manifest = readFileSync(join(__dirname, '../package.json'), 'utf8');
  expect(version).toBe((JSON.parse(manifest) as { version: string }).version);
});
