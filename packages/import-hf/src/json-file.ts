import { CqError } from '@cq/core';
import { excerpt } from './excerpt.ts';
import type { ModelFiles } from './model-files.ts';

export interface JsonFile {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A file that holds one JSON object, or undefined if there is no such file. */
export async function readJsonFile(files: ModelFiles, name: string): Promise<JsonFile | undefined> {
  const text = await files.text(name);
  if (text === undefined) return undefined;
  const file = files.pathOf(name);
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
