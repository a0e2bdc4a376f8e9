import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CqError } from '@cq/core';

/**
 * Writes a page, and the folder that it lies in where there is none.
 * @throws CqError if it cannot.
 */
export function writePage(file: string, html: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, html);
  } catch (error) {
    throw new CqError(
      `${file}: cannot be written, got ${(error as NodeJS.ErrnoException).code}; give another --report`,
    );
  }
}
