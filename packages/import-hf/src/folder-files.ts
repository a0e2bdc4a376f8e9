import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import { openFile } from './file-on-disk.ts';
import type { ModelFiles } from './model-files.ts';

/** The files of a folder on disk. */
export function folderFiles(folder: string): ModelFiles {
  const pathOf = (name: string): string => join(folder, name);
  return {
    pathOf,
    has: (name) => existsSync(pathOf(name)),
    async text(name) {
      try {
        return await readFile(pathOf(name), 'utf8');
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        throw new CqError(`${pathOf(name)}: must be readable, got ${code ?? message}`);
      }
    },
    open: (name) => openFile(pathOf(name)),
  };
}
