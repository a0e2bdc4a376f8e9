import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CqError } from '../errors.ts';
import type { Store } from '../store.ts';

/** A store in a folder, which is made when it is first written to: one file per key, `a/b.bin` for `a/b`. */
export function folderStore(folder: string): Store {
  const pathOf = (key: string): string => {
    if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(key)) throw new CqError(`${folder}: "${key}" is no key of a store`);
    return join(folder, key);
  };
  const fileOf = (key: string): string => `${pathOf(key)}.bin`;
  return {
    name: folder,
    async read(key) {
      try {
        return Uint8Array.from(await readFile(fileOf(key)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(key, bytes) {
      const file = fileOf(key);
      const temporary = `${file}.${process.pid}.tmp`;
      await mkdir(dirname(file), { recursive: true });
      try {
        await writeFile(temporary, bytes);
        await rename(temporary, file);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async remove(key) {
      await rm(fileOf(key), { force: true });
      await rm(pathOf(key), { recursive: true, force: true });
    },
  };
}
