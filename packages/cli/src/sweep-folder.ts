import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import type { CellResult } from './sweep-cell.ts';

/**
 * Where a sweep keeps what it has:
 *
 *     cells/FINGERPRINT.json     the result of a cell, written once
 *     passes/FINGERPRINT/        what passes have made of a model, for all cells that begin with them
 *     models/                    the compressed models
 *     sweep.json, .csv, .html    all of it
 */
export interface SweepFolder {
  readonly path: string;
  /** undefined if that cell is not finished. */
  result(fingerprint: string): CellResult | undefined;
  /** The first result of a cell is the one that counts. */
  finish(result: CellResult): void;
  write(name: string, content: string): void;
}

/** @throws CqError if the folder holds results and `resume` is not set, or what no sweep has put there. */
export function openSweepFolder(path: string, resume: boolean): SweepFolder {
  const present = existsSync(path) ? readdirSync(path) : [];
  const foreign = present.find((name) => !ours.test(name));
  if (foreign !== undefined)
    throw new CqError(`${path}: holds "${foreign}", which is not of a sweep; choose an empty or a new folder`);
  if (!resume && present.includes('cells')) {
    throw new CqError(
      `${path}: holds what a sweep has finished; add --resume to go on with it, or remove it to begin anew`,
    );
  }
  const cells = join(path, 'cells');
  const fileOf = (fingerprint: string): string => join(cells, `${fingerprint}.json`);
  return {
    path,
    result(fingerprint) {
      const file = fileOf(fingerprint);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CellResult) : undefined;
    },
    finish(result) {
      mkdirSync(cells, { recursive: true });
      const temporary = join(cells, `.${result.fingerprint}.${process.pid}.tmp`);
      try {
        writeFileSync(temporary, `${JSON.stringify(result, undefined, 2)}\n`);
        linkSync(temporary, fileOf(result.fingerprint)); // Unlike renaming, it never replaces.
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally {
        rmSync(temporary, { force: true });
      }
    },
    write(name, content) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, name), content);
    },
  };
}

const ours = /^(cells|passes|models|sweep\.(json|csv|html))$/;
