import { readFile } from 'node:fs/promises';
import { CqError } from '@cq/core';
import { parse } from 'csv-parse/sync';

export interface Row<Column extends string> {
  /** The line on which it ends. */
  readonly line: number;
  readonly cells: Readonly<Record<Column, string>>;
}

interface Reading {
  /** Whether spaces around a cell are no part of it. */
  readonly trim: boolean;
}

/**
 * The rows of a CSV file that has a header, at least one of them. Quotes, CRLF, a byte order mark, empty lines and
 * further columns are taken as they come.
 */
export async function readTable<Column extends string>(
  file: string,
  columns: readonly Column[],
  { trim }: Reading,
): Promise<Row<Column>[]> {
  let header: string[] = [];
  const named = (names: string[]) => (header = names.map((name) => name.trim()));
  let rows: { record: Record<Column, string>; info: { lines: number } }[];
  try {
    const text = await readFile(file, 'utf8');
    rows = parse(text, { bom: true, columns: named, info: true, skip_empty_lines: true, trim });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new CqError(`${file}: not a table that can be read, got "${cause}"`, { cause: error });
  }
  const begin = columns.join(',');
  for (const column of columns) {
    if (header.includes(column)) continue;
    throw new CqError(`${file}: a column "${column}" is expected, got "${header.join(',')}"; begin it with "${begin}"`);
  }
  if (rows.length === 0) throw new CqError(`${file}: at least one row is expected, got none; add lines "${begin}"`);
  return rows.map(({ record, info }) => ({ line: info.lines, cells: record }));
}
