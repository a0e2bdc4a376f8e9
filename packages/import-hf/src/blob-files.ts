import { CqError } from '@cq/core';
import type { ModelFiles } from './model-files.ts';

/**
 * Files that a page was given, by name.
 * @param folder What errors call the place where they were.
 */
export function blobFiles(folder: string, files: ReadonlyMap<string, Blob>): ModelFiles {
  const pathOf = (name: string): string => `${folder}/${name}`;
  return {
    pathOf,
    has: (name) => files.has(name),
    text: async (name) => files.get(name)?.text(),
    async open(name) {
      const blob = files.get(name);
      if (!blob) throw new CqError(`${pathOf(name)}: does not exist; choose it together with the other files`);
      return {
        size: blob.size,
        read: (position, length) => blob.slice(position, position + length).arrayBuffer(),
        close: async () => undefined,
      };
    },
  };
}
