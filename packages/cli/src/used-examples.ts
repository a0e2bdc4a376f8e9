import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataRole, Dataset } from '@cq/core';

export type Roles = Readonly<Partial<Record<DataRole, Dataset>>>;

/**
 * Which examples made a model, by what they were for: the digests of their contents, each once, in ascending order, 8
 * bytes each, as base64.
 */
export type UsedExamples = Readonly<Partial<Record<DataRole, string>>>;

export async function usedExamples(data: Roles): Promise<UsedExamples> {
  const used: Partial<Record<DataRole, string>> = {};
  for (const [role, dataset] of Object.entries(data) as [DataRole, Dataset][]) {
    const digests = await digestsOf(dataset);
    if (digests) used[role] = Buffer.from([...digests].sort().join(''), 'hex').toString('base64');
  }
  return used;
}

/** undefined if the source cannot tell. */
export async function digestsOf(dataset: Dataset): Promise<ReadonlySet<string> | undefined> {
  if (!dataset.contents) return undefined;
  const digests = new Set<string>();
  for await (const { digest } of dataset.contents()) digests.add(digest);
  return digests;
}

/** What the report in the folder of a compressed model says; undefined if there is none, or it says nothing of that. */
export function readUsedExamples(folder: string): ReadonlyMap<DataRole, ReadonlySet<string>> | undefined {
  let examples: unknown;
  try {
    ({ examples } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as { examples?: unknown });
  } catch {
    return undefined;
  }
  if (typeof examples !== 'object' || examples === null) return undefined;
  return new Map(Object.entries(examples).map(([role, base64]) => [role as DataRole, unpacked(String(base64))]));
}

function unpacked(base64: string): ReadonlySet<string> {
  const bytes = Buffer.from(base64, 'base64');
  return new Set(Array.from({ length: bytes.length / 8 }, (_, i) => bytes.toString('hex', 8 * i, 8 * i + 8)));
}
