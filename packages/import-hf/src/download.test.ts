import { CqError } from '@cq/core';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { downloadCheckpoint, importHuggingFace, type DownloadOptions, type DownloadProgress } from './index.ts';

const bert = fileURLToPath(new URL('../../../test/fixtures/parity/bert/', import.meta.url));
const sha = '0123456789abcdef0123456789abcdef01234567';

/** What the hub of these tests has, and does wrong. */
let files: Record<string, Buffer>;
let spoil: (path: string, response: ServerResponse, body: Buffer) => boolean;
let requests: string[];
let server: Server;
let hubUrl: string;
let cacheFolder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://hub');
    requests.push(pathname);
    const json = (value: unknown): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (pathname === '/api/models/owner/name/revision/main') return json({ _id: '1', id: 'owner/name', sha });
    if (pathname === `/api/models/owner/name/tree/${sha}`) {
      return json(
        Object.entries(files).map(([path, { length: size }]) => ({ type: 'file', path, size, oid: '0', ...lfs(path) })),
      );
    }
    const path = pathname.replace(`/owner/name/resolve/${sha}/`, '');
    const body = files[path];
    if (!body) return void response.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end();
    if (request.headers.range) {
      const range = { 'content-range': `bytes 0-0/${body.length}`, etag: '"1"' };
      return void response.writeHead(206, range).end(body.subarray(0, 1));
    }
    if (!spoil(path, response, body)) response.writeHead(200, { 'content-length': body.length }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const lfs = (path: string): object =>
  path.endsWith('.safetensors')
    ? {
        lfs: {
          oid: createHash('sha256').update(files[path]!).digest('hex'),
          size: files[path]!.length,
          pointerSize: 1,
        },
      }
    : {};

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'download-'));
  requests = [];
  spoil = () => false;
  files = {
    'README.md': Buffer.from('# not needed here'),
    'config.json': readFileSync(join(bert, 'config.json')),
    'model.safetensors': readFileSync(join(bert, 'model.safetensors')),
    'pytorch_model.bin': Buffer.from('not needed either'),
    'tokenizer.json': Buffer.from('{}'),
  };
});
afterEach(() => rm(cacheFolder, { recursive: true }));

const download = (options: Partial<DownloadOptions> = {}, id = 'hf:owner/name'): Promise<string> =>
  downloadCheckpoint(id, { cacheFolder, hubUrl, ...options });
const failure = async (options?: Partial<DownloadOptions>, id?: string): Promise<string> => {
  const error = await download(options, id).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  return (error as CqError).message;
};
const complete = (): boolean => existsSync(join(cacheFolder, 'owner--name', 'main'));
const fetched = (): string[] =>
  requests.filter((path) => path.includes('/resolve/')).map((path) => path.split('/').at(-1)!);

test('the files that are read here arrive, once, with progress in bytes', async () => {
  const seen: DownloadProgress[] = [];
  const folder = await download({ onProgress: (progress) => seen.push(progress) });
  expect(folder).toBe(join(cacheFolder, 'owner--name', 'main'));
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(files['model.safetensors']);
  expect((await importHuggingFace(folder)).metadata.task).toBe('text-classification');

  const totalBytes = ['config.json', 'model.safetensors', 'tokenizer.json'].reduce((sum, file) => sum + files[file]!.length, 0); // prettier-ignore
  expect(seen.at(-1)).toMatchObject({ bytes: totalBytes, totalBytes });
  expect(seen.every(({ bytes }, i) => i === 0 || bytes >= seen[i - 1]!.bytes)).toBe(true);
  expect(new Set(seen.map(({ file }) => file))).toEqual(new Set(readdirSync(folder)));

  requests = [];
  expect(await download()).toBe(folder);
  expect(requests).toEqual([]);
});

test('shards arrive where there is no file in one piece', async () => {
  const shard = files['model.safetensors']!;
  delete files['model.safetensors'];
  const names = [
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ];
  for (const name of names) files[name] = shard;
  expect(readdirSync(await download())).toEqual(expect.arrayContaining(names));
});

test.each<[string, typeof spoil, RegExp]>([
  [
    'a connection that breaks',
    (path, response, body) => {
      if (path !== 'model.safetensors') return false;
      response.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 1000));
      setTimeout(() => response.destroy(), 20);
      return true;
    },
    /^hf:owner\/name: must be downloadable, got /,
  ],
  [
    'a file that is too short',
    (path, response, body) => path === 'model.safetensors' && !!response.writeHead(200).end(body.subarray(0, 1000)),
    /^hf:owner\/name: model\.safetensors must have \d+ bytes, got 1000; download again$/,
  ],
  [
    'a file that is too long',
    (path, response, body) => path === 'config.json' && !!response.writeHead(200).end(Buffer.concat([body, body])),
    /^hf:owner\/name: config\.json must have \d+ bytes, got more; download again$/,
  ],
  [
    'other bytes',
    (path, response, body) => path === 'model.safetensors' && !!response.writeHead(200).end(Buffer.alloc(body.length)),
    /^hf:owner\/name: model\.safetensors must have the SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; download again$/,
  ],
  [
    'an error of the server',
    (path, response) => path === 'config.json' && !!response.writeHead(500).end('down'),
    /^hf:owner\/name: must be downloadable, got Api error with status 500/,
  ],
])('%s leaves nothing that looks complete, and the next download goes on', async (_, broken, message) => {
  spoil = broken;
  expect(await failure()).toMatch(message);
  expect(complete()).toBe(false);
  const [partial] = readdirSync(join(cacheFolder, 'owner--name'));
  const kept = readdirSync(join(cacheFolder, 'owner--name', partial!));
  expect(
    kept.every((file) => readFileSync(join(cacheFolder, 'owner--name', partial!, file)).equals(files[file]!)),
  ).toBe(true);

  spoil = () => false;
  requests = [];
  const folder = await download();
  expect(fetched()).not.toEqual(expect.arrayContaining(kept.length > 0 ? [kept[0]] : ['none']));
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
});

test('an aborted download stops with the reason', async () => {
  const controller = new AbortController();
  spoil = (path, response, body) => {
    if (path !== 'model.safetensors') return false;
    response.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 1000));
    setTimeout(() => controller.abort(new Error('enough')), 20);
    return true; // and never ends
  };
  await expect(download({ signal: controller.signal })).rejects.toThrow('enough');
  expect(complete()).toBe(false);
});

test('what the hub does not have is said', async () => {
  delete files['config.json'];
  expect(await failure()).toBe('hf:owner/name: must have config.json, got 4 files without it');
  files = { 'config.json': Buffer.from('{}'), 'pytorch_model.bin': Buffer.from('x') };
  expect(await failure()).toMatch(/must have model\.safetensors, got none; choose a model in the safetensors format/);
  expect(await failure({}, 'hf:owner/other')).toMatch(
    /^hf:owner\/other: must be downloadable, got Api error with status 404/,
  );
  expect(await failure({ hubUrl: 'http://127.0.0.1:9' })).toMatch(
    /^hf:owner\/name: must be downloadable, got fetch failed/,
  );
});

test.each(['hf:name', 'hf:../name', 'hf:owner/..', 'hf:a/b/c', 'hf:/etc', 'hf:a\\b/c', ''])(
  '"%s" is no model',
  async (id) => {
    expect(await failure({}, id)).toMatch(/: a model of the hub must be hf:owner\/name, got /);
    expect(await failure({ revision: '../x' })).toMatch(/revision must be a branch, a tag or a commit, got "\.\.\/x"/);
    expect(requests).toEqual([]);
  },
);
