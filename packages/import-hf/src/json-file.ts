import { readFile } from 'node:fs/promises';
import { CqError } from '@cq/core';
import { excerpt } from './excerpt.ts';

export interface JsonFile {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A file that holds one JSON object, or undefined if there is no such file. */
export async function readJsonFile(file: string): Promise<JsonFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CqError(`${file}: must be readable, got ${code ?? message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CqError(`${file}: must be JSON, got ${(error as Error).message}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CqError(`${file}: must be a JSON object, got ${excerpt(json)}`);
  }
  return { text, json: json as Record<string, unknown> };
}
