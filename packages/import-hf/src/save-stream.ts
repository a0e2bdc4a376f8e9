import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError } from '@cq/core';

export interface Saving {
  readonly folder: string;
  /** The name of the file in it. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string | undefined;
  /** What errors call the source. */
  readonly model: string;
  readonly report: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Writes a file under a name of its own, and gives it its name once the last byte is there and the hash is right. */
export async function saveStream(stream: ReadableStream<Uint8Array>, saving: Saving): Promise<void> {
  const { folder, path, size, sha256, model, report, signal } = saving;
  const temporary = join(folder, `.${path}.${randomUUID()}`);
  const hash = createHash('sha256');
  const file = await open(temporary, 'wx');
  try {
    let bytes = 0;
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes > size) throw new CqError(`${model}: ${path} must have ${size} bytes, got more; download again`);
      hash.update(chunk);
      await file.appendFile(chunk);
      report(bytes);
    }
    if (bytes < size) throw new CqError(`${model}: ${path} must have ${size} bytes, got ${bytes}; download again`);
    const digest = hash.digest('hex');
    if (sha256 !== undefined && digest !== sha256) {
      throw new CqError(`${model}: ${path} must have the SHA-256 ${sha256}, got ${digest}; download again`);
    }
    await file.sync();
    await file.close();
    await rename(temporary, join(folder, path));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
