import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from './index.ts';
import { folderStore } from './node/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cq-store-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ['in memory', () => memoryStore()],
  ['in a folder', () => folderStore(join(folder, 'shared'))],
])('%s', (_, open) => {
  const store = open();

  test('what was written comes back, the last of it', async () => {
    expect(await store.read('a')).toBeUndefined();
    await store.write('a', Uint8Array.of(1, 2));
    await store.write('a', Uint8Array.of(3));
    expect(await store.read('a')).toEqual(Uint8Array.of(3));
  });

  test('it keeps a copy, and gives one', async () => {
    const bytes = Uint8Array.of(7);
    await store.write('copy', bytes);
    bytes[0] = 8;
    (await store.read('copy'))![0] = 9;
    expect(await store.read('copy')).toEqual(Uint8Array.of(7));
  });

  test('removing a key removes what stands below it, and no more', async () => {
    for (const key of ['b', 'b/1', 'b/1/2', 'b-1', 'bb']) await store.write(key, Uint8Array.of(1));
    await store.remove('b');
    await store.remove('never-there');
    const left = await Promise.all(['b', 'b/1', 'b/1/2', 'b-1', 'bb'].map((key) => store.read(key)));
    expect(left.map((bytes) => bytes !== undefined)).toEqual([false, false, false, true, true]);
  });
});

test.each(['', '/a', 'a/', '../a', 'a/../b', '.hidden', 'a b', 'a\0'])('a folder takes no key %j', async (key) => {
  const store = folderStore(join(folder, 'keys'));
  for (const use of [() => store.read(key), () => store.write(key, new Uint8Array(1)), () => store.remove(key)]) {
    await expect(use()).rejects.toThrow('is no key of a store');
  }
  expect(existsSync(join(folder, 'keys'))).toBe(false);
});

test('a write that fails leaves what was there, and no temporary file', async () => {
  const own = join(folder, 'failing');
  const store = folderStore(own);
  await store.write('a', Uint8Array.of(1));
  writeFileSync(join(own, 'b'), 'a file where a folder is needed');
  await expect(store.write('b/1', Uint8Array.of(2))).rejects.toThrow();
  expect(readdirSync(own).sort()).toEqual(['a.bin', 'b']);
});
