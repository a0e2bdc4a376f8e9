import type { Given } from './protocol.ts';

/** Files of an `<input>`, by their paths below the folder that was chosen. */
export function filesOf(list: Iterable<File>): Given {
  const entries = [...list].map((file): [string, Blob] => [file.webkitRelativePath || file.name, file]);
  return withoutCommonFolder(entries);
}

/** Files and whole folders that were dropped. */
export async function filesDropped({ items }: DataTransfer): Promise<Given> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found = await Promise.all(entries.map(filesBelow));
  return withoutCommonFolder(found.flat());
}

async function filesBelow(entry: FileSystemEntry): Promise<[string, Blob][]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [[entry.fullPath.slice(1), file]];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map(filesBelow))).flat();
}

/** `photos/cat/1.jpg`, `photos/dog/2.jpg` → `cat/1.jpg`, `dog/2.jpg`, called `photos`. */
export function withoutCommonFolder(entries: readonly [path: string, file: Blob][]): Given {
  const [first] = entries.map(([path]) => path.split('/')[0]!);
  const common = entries.every(([path]) => path.startsWith(`${first}/`));
  const files = new Map(entries.map(([path, file]) => [common ? path.slice(first!.length + 1) : path, file]));
  return { name: first ?? 'nothing', files };
}
