import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenizerFiles } from '@cq/data';

/** What a compressed model needs beside its weights to read text: files of the model that it was made from, by name. */
export function tokenizerOf(folder: string): (readonly [name: string, content: Uint8Array])[] {
  const present = tokenizerFiles.filter((name) => existsSync(join(folder, name)));
  return present.map((name) => [name, readFileSync(join(folder, name))]);
}
