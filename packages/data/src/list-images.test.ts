import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { CqError } from '@cq/core';
import { listImages } from './list-images.ts';

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'cq-list-'))));
afterEach(() => rm(root, { recursive: true }));

/** Writes files; those without content are empty, as nothing is decoded here. */
async function folder(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

async function list(labels?: readonly string[]): Promise<(readonly [string, number | undefined])[]> {
  return (await listImages(root, labels)).map(({ file, label }) => [relative(root, file), label] as const);
}

async function refusal(labels?: readonly string[]): Promise<string> {
  const error: unknown = await listImages(root, labels).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  return (error as CqError).message.replaceAll(root, 'data');
}

test('a flat folder has its images in byte-wise order and no labels', async () => {
  await folder({ 'b.png': '', 'Z.JPG': '', 'a.jpeg': '', 'é.webp': '', 'README.md': '', '.hidden.jpg': '' });
  expect(await list()).toEqual([
    ['Z.JPG', undefined],
    ['a.jpeg', undefined],
    ['b.png', undefined],
    ['é.webp', undefined],
  ]);
});

test('sub-folders are classes in sorted order, or by the name the model gives them', async () => {
  await folder({ 'dog/1.jpg': '', 'cat/2.jpg': '', 'cat/1.jpg': '', 'cat/notes.txt': '' });
  expect(await list()).toEqual([
    ['cat/1.jpg', 0],
    ['cat/2.jpg', 0],
    ['dog/1.jpg', 1],
  ]);
  expect(await list(['dog', 'bird', 'cat'])).toEqual([
    ['cat/1.jpg', 2],
    ['cat/2.jpg', 2],
    ['dog/1.jpg', 0],
  ]);
  expect(await refusal(['dog', 'bird'])).toBe(
    `data/cat: the sub-folder's name must be one of the model's 2 classes ("dog", "bird"), got "cat"; rename it`,
  );
});

test('a link to a folder is a class', async () => {
  await folder({ 'cat/1.jpg': '' });
  await symlink(join(root, 'cat'), join(root, 'dog'));
  expect(await list()).toEqual([
    ['cat/1.jpg', 0],
    ['dog/1.jpg', 1],
  ]);
});

test('labels.csv gives order and labels, with a byte order mark, blank lines and further columns', async () => {
  await folder({
    'labels.csv': '\uFEFFfile,label,source\r\nb.jpg,1,x\r\n\r\nsub/a.jpg, cat ,y\r\n"b.jpg",2,\r\n',
    'b.jpg': '',
    'sub/a.jpg': '',
    'unlisted.jpg': '',
  });
  expect(await list(['dog', 'cat', 'bird'])).toEqual([
    ['b.jpg', 1],
    ['sub/a.jpg', 1],
    ['b.jpg', 2],
  ]);
});

test.each([
  [
    'file,label\na.jpg,cat',
    undefined,
    'line 2: the label of "a.jpg" must be a class index, as the model names no classes, got "cat"',
  ],
  ['file,label\na.jpg,', ['cat'], `must be one of the model's 1 classes ("cat"), got ""`],
  ['file,label\na.jpg,-1', ['cat'], `must be one of the model's 1 classes ("cat"), got "-1"`],
  [
    'file,label\na.jpg,0\na.jpg,3',
    ['x', 'y', 'z'],
    'line 3: the label of "a.jpg" must be from 0 to 2, as the model has 3 classes, got 3',
  ],
  [
    'file,label\na.jpg,crane',
    ['crane', 'crane'],
    'must name one class, got "crane", which several have; write its index',
  ],
  [
    'file,label\na.jpg,1',
    ['1', '2'],
    'must be either an index or a name, got "1", which is the name of class 0 and the index of another',
  ],
  [
    'file,label\n../a.jpg,0',
    undefined,
    'a file must lie in this folder, got "../a.jpg"; write its path from here, without ".."',
  ],
  ['file,label\nx\\..\\..\\a.jpg,0', undefined, 'a file must lie in this folder'],
  ['file,label\n/etc/a.jpg,0', undefined, 'a file must lie in this folder, got "/etc/a.jpg"'],
  ['file,label\n,0', undefined, 'a file must lie in this folder, got ""'],
  [
    'file,label\nb.jpg,0',
    undefined,
    'line 2: a file that exists is expected, got "b.jpg"; remove the line or add the file',
  ],
  ['name,label\na.jpg,0', undefined, 'a column "file" is expected, got "name,label"; begin it with "file,label"'],
  ['file,class\na.jpg,0', undefined, 'a column "label" is expected, got "file,class"'],
  ['', undefined, 'a column "file" is expected, got ""'],
  ['file,label\n', undefined, 'at least one row is expected, got none'],
  ['file,label\na.jpg,0,1', undefined, 'not a table that can be read, got "Invalid Record Length'],
])('labels.csv %j with classes %j is refused', async (csv, labels, message) => {
  await folder({ 'labels.csv': csv, 'a.jpg': '' });
  const refused = await refusal(labels);
  expect(refused).toMatch(/^data\/labels\.csv: /);
  expect(refused).toContain(message);
});

test('folders without images are refused', async () => {
  expect(await refusal()).toMatch(/^data: images \(\.jpg, .*\) or labels\.csv are expected, got an empty folder$/);
  await folder({ 'notes.txt': '' });
  expect(await refusal()).toMatch(/got "notes\.txt" and no image$/);
  await folder({ 'cat/notes.txt': '' });
  expect(await refusal()).toMatch(/got "cat" and no image$/);
  await folder({ 'a.jpg': '' });
  expect(await refusal()).toMatch(/got both \("a\.jpg" and "cat\/"\); move one away or write labels\.csv$/);
});

test('a folder that is none is refused', async () => {
  await expect(listImages(join(root, 'none'))).rejects.toThrow(
    /none: a folder of images is expected, got nothing there/,
  );
  await folder({ file: '' });
  await expect(listImages(join(root, 'file'))).rejects.toThrow(/file: a folder of images is expected, got a file/);
});
