import { access, readdir, stat } from 'node:fs/promises';
import { extname, join, posix, win32 } from 'node:path';
import { CqError } from '@cq/core';
import { classLabel, classNamed } from './class-label.ts';
import { readTable } from './read-table.ts';

export interface LabelledImage {
  readonly file: string;
  /** Class index; absent where the folder has no labels. */
  readonly label?: number;
}

/**
 * The images of a folder with their class indices, in an order that depends on nothing but the names: that of
 * `labels.csv` if there is one, else byte-wise by name.
 *
 * @param labels the model's class names by index
 */
export async function listImages(folder: string, labels?: readonly string[]): Promise<LabelledImage[]> {
  const { files, folders } = await entriesOf(folder);
  if (files.includes(labelsFile)) return listed(folder, labels);
  const images = files.filter(isImage);
  if (images.length > 0 && folders.length > 0) {
    throw new CqError(
      `${folder}: either images or one sub-folder per class is expected, got both ("${images[0]}" and "${folders[0]}/"); ` +
        `move one away or write ${labelsFile}`,
    );
  }
  const found =
    folders.length > 0 ? await byClass(folder, folders, labels) : images.map((name) => inFolder(folder, name));
  if (found.length === 0) {
    const content =
      files.length + folders.length === 0 ? 'an empty folder' : `"${[...folders, ...files][0]}" and no image`;
    throw new CqError(`${folder}: images (${imageTypes.join(', ')}) or ${labelsFile} are expected, got ${content}`);
  }
  return found;
}

const labelsFile = 'labels.csv';
const imageTypes = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];

async function byClass(
  folder: string,
  classes: readonly string[],
  labels?: readonly string[],
): Promise<LabelledImage[]> {
  const found: LabelledImage[] = [];
  const remedies = { unknown: 'rename it', ambiguous: `use ${labelsFile} with the index` };
  for (const [place, name] of classes.entries()) {
    const at = join(folder, name);
    const label = labels ? classNamed(name, labels, `${at}: the sub-folder's name`, remedies) : place;
    const { files } = await entriesOf(at);
    for (const file of files.filter(isImage)) found.push({ file: join(at, file), label });
  }
  return found;
}

async function listed(folder: string, labels?: readonly string[]): Promise<LabelledImage[]> {
  const csv = join(folder, labelsFile);
  const found: LabelledImage[] = [];
  for (const { line, cells } of await readTable(csv, ['file', 'label'], { trim: true })) {
    const { file, label } = cells;
    const at = `${csv}: line ${line}`;
    if (file === '' || leavesFolder(file)) {
      throw new CqError(`${at}: a file must lie in this folder, got "${file}"; write its path from here, without ".."`);
    }
    const image = { file: join(folder, file), label: classLabel(label, labels, `${at}: the label of "${file}"`) };
    await access(image.file).catch(() => {
      throw new CqError(`${at}: a file that exists is expected, got "${file}"; remove the line or add the file`);
    });
    found.push(image);
  }
  return found;
}

/** Names of the files and sub-folders, byte-wise sorted; hidden ones are not part of the data. */
async function entriesOf(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    const found = error.code === 'ENOENT' ? 'nothing there' : error.code === 'ENOTDIR' ? 'a file' : error.message;
    throw new CqError(`${folder}: a folder of images is expected, got ${found}; check the path`, { cause: error });
  });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.')) continue;
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(join(folder, name))));
    (isFolder ? folders : files).push(name);
  }
  return { files: files.sort(byteWise), folders: folders.sort(byteWise) };
}

async function leadsToFolder(link: string): Promise<boolean> {
  const target = await stat(link).catch(() => undefined);
  return target?.isDirectory() ?? false;
}

function byteWise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isImage(name: string): boolean {
  return imageTypes.includes(extname(name).toLowerCase());
}

function inFolder(folder: string, name: string): LabelledImage {
  return { file: join(folder, name) };
}

function leavesFolder(file: string): boolean {
  return posix.isAbsolute(file) || win32.isAbsolute(file) || file.split(/[\\/]/).includes('..');
}
