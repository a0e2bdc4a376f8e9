import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What of `generated/` an entry point brings with it. */
function binariesOf(entry: string): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, type, from] of text.matchAll(/(?:^|\n)(?:import|export) (type )?[^;]*?'(\.[^']+)'/g)) {
      if (!type) visit(join(dirname(file), from!));
    }
  };
  visit(join(__dirname, entry));
  return [...seen].filter((file) => file.includes('/generated/')).map((file) => file.split('/').at(-1)!);
}

test('a page that runs compressed models does not download the float kernels, nor the other way round', () => {
  expect(binariesOf('index.ts')).toContain('kernels.ts');
  expect(binariesOf('index.ts')).not.toContain('float-kernels.ts');
  expect(binariesOf('float/index.ts')).toEqual(['float-kernels.ts']);
});
