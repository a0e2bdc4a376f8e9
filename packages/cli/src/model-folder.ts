import { homedir } from 'node:os';
import { join } from 'node:path';
import { downloadCheckpoint } from '@cq/import-hf';
import type { Io } from './io.ts';
import { progressBar } from './output.ts';

/** The folder behind MODEL: the path itself, or where `hf:owner/name` lies once it is downloaded. */
export async function modelFolder(model: string, io: Io, json = false): Promise<string> {
  if (!model.startsWith('hf:')) return model;
  const { env, signal } = io;
  const bar = progressBar(io, model, json);
  try {
    return await downloadCheckpoint(model, {
      cacheFolder: env['CQ_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cq'),
      ...(env['HF_TOKEN'] && { accessToken: env['HF_TOKEN'] }),
      ...(env['HF_ENDPOINT'] && { hubUrl: env['HF_ENDPOINT'] }),
      onProgress: ({ bytes, totalBytes, file }) => bar.update(bytes, totalBytes, file),
      signal,
    });
  } finally {
    bar.stop();
  }
}
