import { open, stat, type FileHandle } from 'node:fs/promises';
import { CqError } from '@cq/core';
import type { OpenFile } from './model-files.ts';

/** @throws CqError if there is no such file, or it cannot be read. */
export async function openFile(file: string): Promise<OpenFile> {
  const { size } = await statFile(file);
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new CqError(`${file}: must be readable, got ${error.code ?? error.message}`);
  });
  return {
    size,
    read: (position, length) => readBytes(file, handle, position, length),
    close: () => handle.close(),
  };
}

/** Looked at before opening: to open a pipe is to wait for whoever writes it. */
async function statFile(file: string): Promise<{ readonly size: number }> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new CqError(
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? `${file}: does not exist; save the model in the safetensors format`
        : `${file}: must be readable, got ${error.code ?? error.message}`,
    );
  });
  if (!found.isFile()) throw new CqError(`${file}: must be a file, got a folder or device; name the .safetensors file`);
  return found;
}

async function readBytes(file: string, handle: FileHandle, position: number, length: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, 2 ** 30), position + at);
    if (bytesRead === 0) {
      throw new CqError(
        `${file}: must have ${position + length} bytes, got ${position + at}; it shrank while being read`,
      );
    }
    at += bytesRead;
  }
  return bytes.buffer;
}
