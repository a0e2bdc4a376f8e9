import { CqError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { readSnapshot, writeSnapshot } from '../snapshot.ts';
import type { Store } from '../store.ts';
import { difference, type Fingerprint } from './fingerprint.ts';
import { readFinished, writeFinished, type FinishedPass } from './finished-pass.ts';
import { sealedStore } from './sealed-store.ts';

/** The passes of a run as a store keeps them, by position from 1. */
export interface KeptRun {
  /** undefined if this pass is not finished. `before` is the graph that it is given. */
  finished(position: number, before: Graph): Promise<FinishedPass | undefined>;
  finish(position: number, before: Graph, pass: FinishedPass): Promise<void>;
  /** Where this pass may keep parts until it is finished. */
  partsOf(position: number): Store;
}

/**
 * Goes on with the run that the store holds, or begins one:
 *
 *     run                its fingerprint
 *     pass-N/finished    the graph after pass N, and its report
 *     pass-N/parts/…     what pass N keeps while it runs
 *
 * @throws CqError if the store holds another run; it names each difference.
 */
export async function openRun(store: Store, fingerprint: Fingerprint): Promise<KeptRun> {
  const holder = store.name === undefined ? 'the store' : `the store ${store.name}`;
  const index = sealedStore(store, 'run');
  const held = (await readSnapshot<Fingerprint>(index, 'run'))?.state;
  const differs = held && difference(holder, held, fingerprint);
  if (differs)
    throw new CqError(`compress: ${differs}; give the same to go on with it, or empty the store to begin anew`);
  if (!held) await writeSnapshot(index, 'run', { state: fingerprint, arrays: {} });

  const entries = sealedStore(store, JSON.stringify(held ?? fingerprint));
  return {
    async finished(position, before) {
      const pass = await readFinished(entries, `pass-${position}/finished`, before);
      if (pass) await store.remove(`pass-${position}/parts`); // It may have been killed before it could.
      return pass;
    },
    async finish(position, before, pass) {
      await writeFinished(entries, `pass-${position}/finished`, before, pass);
      await store.remove(`pass-${position}/parts`);
    },
    partsOf: (position) => within(entries, `pass-${position}/parts`),
  };
}

/** The part of a store whose keys begin with a folder. */
function within(store: Store, folder: string): Store {
  return {
    ...(store.name !== undefined && { name: store.name }),
    read: (key) => store.read(`${folder}/${key}`),
    write: (key, bytes) => store.write(`${folder}/${key}`, bytes),
    remove: (key) => store.remove(`${folder}/${key}`),
  };
}
