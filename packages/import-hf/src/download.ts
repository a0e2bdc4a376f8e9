import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import type { ListFileEntry } from '@huggingface/hub';
import { saveStream } from './save-stream.ts';

/** Where a checkpoint comes from and goes to. */
export interface DownloadOptions {
  /** Where models are kept: each in `<cacheFolder>/<owner>--<name>/<revision>`. */
  readonly cacheFolder: string;
  /** A branch, a tag or a commit. */
  readonly revision?: string;
  /** Told of every part of a file that arrives. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Stops the download; what is complete is kept and not fetched again. */
  readonly signal?: AbortSignal;
  /** For models that are not public. */
  readonly accessToken?: string;
  /** Another hub than https://huggingface.co. */
  readonly hubUrl?: string;
}

/** How far a download is, in bytes. */
export interface DownloadProgress {
  /** The file that is arriving. */
  readonly file: string;
  /** Bytes of all files so far, those of an earlier download included. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/**
 * Fetches the files of a model that are read here: its config, its tensors, its preprocessing and tokenizer.
 * A model that is in the cache already is not asked for again. The folder appears under its name only once every file is
 * complete; until then it has another name, and a file that is still arriving too.
 * @param id `hf:owner/name` or `owner/name`.
 * @returns The folder, for `importHuggingFace`.
 * @throws CqError if the model is not there or a file arrives damaged; the signal's reason if it was aborted.
 */
export async function downloadCheckpoint(id: string, options: DownloadOptions): Promise<string> {
  const { cacheFolder, revision = 'main', signal } = options;
  const name = id.replace(/^hf:/, '');
  if (!/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new CqError(`${id}: a model of the hub must be hf:owner/name, got ${JSON.stringify(name)}`);
  }
  if (!/^[A-Za-z0-9][\w.-]*$/.test(revision)) {
    throw new CqError(`hf:${name}: revision must be a branch, a tag or a commit, got ${JSON.stringify(revision)}`);
  }
  const home = join(cacheFolder, name.replace('/', '--'));
  const folder = join(home, revision);
  if (existsSync(folder)) return folder;
  signal?.throwIfAborted();
  try {
    return await download(name, revision, home, folder, options);
  } catch (error) {
    signal?.throwIfAborted();
    if (existsSync(folder)) return folder; // another process was faster
    if (error instanceof CqError) throw error;
    throw new CqError(`hf:${name}: must be downloadable, got ${reasonOf(error)}; check the name and the connection`);
  }
}

/** The hub's library throws texts too; `fetch` tells what happened in the cause. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { message, cause } = error as { readonly message?: unknown; readonly cause?: unknown };
  return cause ? `${String(message)}: ${reasonOf(cause)}` : String(message);
}

async function download(
  name: string,
  revision: string,
  home: string,
  folder: string,
  options: DownloadOptions,
): Promise<string> {
  const { onProgress, signal } = options;
  const hub = await import('@huggingface/hub'); // only who downloads loads it
  const access = {
    fetch: ((url, init) => fetch(url, { ...init, ...(signal && { signal }) })) as typeof fetch,
    ...(options.accessToken !== undefined && { accessToken: options.accessToken }),
    ...(options.hubUrl !== undefined && { hubUrl: options.hubUrl }),
  };
  const { sha } = await hub.modelInfo({ ...access, name, revision, additionalFields: ['sha'] });
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) {
    throw new CqError(`hf:${name}: the hub must name a commit of 40 hex digits, got ${JSON.stringify(sha)}`);
  }
  const listed: ListFileEntry[] = [];
  for await (const entry of hub.listFiles({ ...access, repo: name, revision: sha })) listed.push(entry);
  const wanted = choose(listed, name);

  // One commit, one folder: what an interrupted download left of another commit is not mixed in.
  const partial = join(home, `.${revision}.${sha}.partial`);
  await mkdir(partial, { recursive: true });
  const totalBytes = wanted.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const entry of wanted) {
    const report = (bytes: number): void => onProgress?.({ file: entry.path, bytes: before + bytes, totalBytes });
    if (!(await isComplete(join(partial, entry.path), entry.size))) {
      const blob = await hub.downloadFile({ ...access, repo: name, revision: sha, path: entry.path, xet: false });
      if (!blob) throw new CqError(`hf:${name}: ${entry.path} must be on the hub, got no such file`);
      await saveStream(blob.stream(), {
        ...{ folder: partial, path: entry.path, size: entry.size, model: `hf:${name}`, report, signal },
        sha256: entry.lfs?.oid,
      });
    }
    report(entry.size);
    before += entry.size;
  }
  for (const file of await readdir(partial)) {
    if (!wanted.some(({ path }) => path === file)) await rm(join(partial, file), { force: true }); // given up half-way
  }
  await rename(partial, folder);
  return folder;
}

const small: readonly string[] = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
];

/** The files that are read here: a checkpoint in one file if there is one, else its shards. */
function choose(listed: readonly ListFileEntry[], name: string): ListFileEntry[] {
  const files = listed.filter(({ type }) => type === 'file');
  const has = (path: string): boolean => files.some((entry) => entry.path === path);
  if (!has('config.json')) throw new CqError(`hf:${name}: must have config.json, got ${files.length} files without it`);
  const whole = has('model.safetensors');
  if (!whole && !has('model.safetensors.index.json')) {
    throw new CqError(`hf:${name}: must have model.safetensors, got none; choose a model in the safetensors format`);
  }
  const isTensors = (path: string): boolean =>
    whole
      ? path === 'model.safetensors'
      : path === 'model.safetensors.index.json' || /^model-\d+-of-\d+\.safetensors$/.test(path);
  const wanted = files.filter(({ path }) => small.includes(path) || isTensors(path));
  for (const { path, size } of wanted) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new CqError(`hf:${name}: the size of ${path} must be a number of bytes, got ${JSON.stringify(size)}`);
    }
  }
  return wanted;
}

const isComplete = (file: string, size: number): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile() && found.size === size,
    () => false,
  );
