import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { CqError } from '@cq/core';
import { kindAt } from './kind-at.ts';

/** SHA-256 of the content of a file; of a folder, of the names and contents of its files but hidden ones. */
export async function pathHash(path: string): Promise<string> {
  switch (kindAt(path)) {
    case 'nothing':
      throw new CqError(`${path}: a file or folder is expected, got nothing there; check the path`);
    case 'a file':
      return fileHash(path);
    case 'a folder':
      return folderHash(path);
  }
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function folderHash(folder: string): Promise<string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(sep))
    .filter((parts) => !parts.some((part) => part.startsWith('.')))
    .map((parts) => parts.join('/'))
    .sort();
  const hash = createHash('sha256');
  for (const name of names) {
    if (!statSync(join(folder, name)).isFile()) continue;
    hash.update(JSON.stringify([name, await fileHash(join(folder, name))]));
  }
  return hash.digest('hex');
}
