import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CqError, type Graph } from '@cq/core';
import type { Finding } from '@cq/eval';

/** Findings in a file, one JSON value a line behind a first line that says what they are about. */
export interface Journal {
  readonly known: readonly Finding[];
  add(finding: Finding): void;
}

/**
 * @param file what an earlier run wrote, or a new file; without one nothing is kept
 * @param about what the findings depend on besides the graph
 * @throws CqError if the file is about something else
 */
export function openJournal(
  file: string | undefined,
  graph: Graph,
  about: Readonly<Record<string, string | number>>,
): Journal {
  if (file === undefined) return { known: [], add: () => undefined };
  const head = JSON.stringify({ ...about, graph: digestOf(graph) });
  if (!existsSync(file)) writeFileSync(file, `${head}\n`);
  const [first, ...lines] = readFileSync(file, 'utf8').split('\n');
  if (first !== head) {
    throw new CqError(
      `${file}: must be the journal of a run with the same model, recipe and data, got another; remove it to begin anew`,
    );
  }
  const known = lines.slice(0, -1).map((line) => JSON.parse(line, revived) as Finding);
  // A line that a kill cut off.
  if (lines.at(-1) !== '') writeFileSync(file, [head, ...lines.slice(0, -1), ''].join('\n'));
  return { known, add: (finding) => appendFileSync(file, `${JSON.stringify(finding)}\n`) };
}

/** JSON has no Infinity: the ratio of a value that its quantizer does not change. */
const revived = (key: string, value: unknown): unknown => (key === 'sqnr' && value === null ? Infinity : value);

function digestOf({ nodes, weights }: Graph): string {
  const hash = createHash('sha256').update(JSON.stringify([...nodes.values()]));
  for (const { name, data } of weights.values()) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
