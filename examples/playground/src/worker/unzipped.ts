import { CqError } from '@cq/core';
import { unzipSync } from 'fflate';
import { withoutCommonFolder } from '../files.ts';
import type { Given } from '../protocol.ts';

/** What is in a zip that was given alone; anything else as it is. */
export async function unzipped(given: Given): Promise<Given> {
  const [[path, blob] = ['', undefined], ...others] = given.files;
  if (!blob || others.length > 0 || !path.endsWith('.zip')) return given;
  try {
    const inside = Object.entries(unzipSync(new Uint8Array(await blob.arrayBuffer())));
    const files = inside
      .filter(([path]) => !path.endsWith('/'))
      .map(([path, bytes]): [string, Blob] => [path, new Blob([bytes as Uint8Array<ArrayBuffer>])]);
    return { ...withoutCommonFolder(files), name: path.slice(0, -'.zip'.length) };
  } catch (cause) {
    throw new CqError(`${path}: cannot be unzipped; is it whole?`, { cause });
  }
}
