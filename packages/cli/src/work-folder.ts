import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { CqError, type Store } from '@cq/core';
import { checkTarget, folderStore, writeFolder } from '@cq/core/node';

/** Where a run keeps what it has finished until its model is written: `DIR.partial` beside DIR. */
export interface WorkFolder {
  readonly path: string;
  readonly store: Store;
  /** Whether a run could go on from what is there. */
  holdsWork(): boolean;
  /** Puts the model into its place, whole, and removes this folder. */
  finish(files: ReadonlyMap<string, string | Uint8Array>): void;
  /** After a failure: removes what this run has put there, if nothing of it is worth keeping. */
  leave(): void;
}

/**
 * Begins anew, or with what an interrupted run has left there.
 * @throws CqError if the folder holds work and `resume` is not set, or holds what no run has put there.
 */
export function openWorkFolder(out: string, resume: boolean): WorkFolder {
  const path = join(out, '..', `${basename(resolve(out))}.partial`);
  const present = existsSync(path) ? readdirSync(path) : [];
  const ours = present.includes('run.bin') ? ofRun : ofBeginning;
  const foreign = present.find((name) => !ours.test(name));
  if (foreign !== undefined) {
    throw new CqError(`${path}: holds "${foreign}", which no run has put there, and is needed to work in; move it`);
  }
  const holdsWork = (): boolean =>
    existsSync(path) && readdirSync(path, { recursive: true, encoding: 'utf8' }).some((name) => ofPass.test(name));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  if (!resume) {
    if (holdsWork()) {
      throw new CqError(
        `${path}: holds what an interrupted run has finished; add --resume to go on with it, or remove it to begin anew`,
      );
    }
    remove();
  }
  const found = existsSync(path);
  return {
    path,
    store: folderStore(path),
    holdsWork,
    finish(files) {
      const model = join(path, 'model');
      writeFolder(model, files);
      checkTarget(out);
      rmSync(resolve(out), { recursive: true, force: true });
      renameSync(model, resolve(out));
      remove();
    },
    leave() {
      if (!found && !holdsWork()) remove();
    },
  };
}

/** What `compress` of @cq/core keeps in its store, and the model on its way. A process that was killed leaves `.tmp`. */
const ofRun = /^(run\.bin|pass-\d+|model|\.model\.\d+\.tmp|run\.bin\.\d+\.tmp)$/;
const ofBeginning = /^run\.bin\.\d+\.tmp$/;
const ofPass = /^pass-\d+.*\.bin$/;
