import { statSync, type Stats } from 'node:fs';

export type Kind = 'nothing' | 'a file' | 'a folder';

/** What lies at a path. Below a file there is nothing. */
export function kindAt(path: string): Kind {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
  }
  if (!found) return 'nothing';
  return found.isDirectory() ? 'a folder' : 'a file';
}
