import { readFileSync } from 'node:fs';

test('the browser entry reaches no Node module and no package but @cq/core and the tokenizers', () => {
  const packages = new Set<string>();
  const visited = new Set<string>();
  const visit = (file: string): void => {
    if (visited.has(file)) return;
    visited.add(file);
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    for (const [, target] of source.matchAll(/ from '([^']+)'/g)) {
      if (target!.startsWith('./')) visit(target!);
      else packages.add(target!);
    }
  };
  visit('./browser.ts');
  expect([...visited]).toContain('./preprocessing.ts');
  expect([...packages].sort()).toEqual(['@cq/core', '@huggingface/tokenizers']);
});
