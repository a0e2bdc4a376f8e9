import { readFile } from 'node:fs/promises';
import { didYouMean } from '@cq/core';
import type { z } from 'zod';
import { UsageError } from './usage-error.ts';

/** Whatever is wrong with a config file is wrong use. */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const found = error.code === 'ENOENT' ? 'nothing there' : (error.code ?? error.message);
    throw new UsageError(`${file}: a config file is expected, got ${found}; check the path`);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file}: must be JSON, got ${(error as Error).message}`);
  }
}

/**
 * Says what of a config is wrong. A field too many explains better than the one that is therefore missing.
 * @param fields Those that an object of the config takes.
 */
export function complaint(
  file: string,
  json: unknown,
  issues: readonly z.core.$ZodIssue[],
  fields: (path: readonly PropertyKey[]) => readonly string[],
): UsageError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const at = issue.path.length === 0 ? 'the config' : issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = fields(issue.path);
    const [key] = issue.keys as [string];
    return new UsageError(
      `${file}: ${at}: unknown field "${key}"${didYouMean(key, known) || ';'} It takes ${known.join(', ')}`,
    );
  }
  const value = issue.path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], json);
  return new UsageError(`${file}: ${at} ${issue.message}, got ${String(JSON.stringify(value)).slice(0, 80)}`);
}
