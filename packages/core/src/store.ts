/**
 * Where bytes go that are not to stay in memory, or are to outlive the process. Keys are words of letters, digits, `.`,
 * `_` and `-`, joined by `/`. `@cq/core/node` has one in a folder.
 */
export interface Store {
  /** What errors call it, such as its folder. */
  readonly name?: string;
  /** undefined if nothing was written under this key. */
  read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** All of it is there afterwards, or what was there before. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** What stands under this key, and under every key that goes on behind it with a `/`. */
  remove(key: string): Promise<void>;
}

/** A store that ends with the process. */
export function memoryStore(): Store {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    read: (key) => Promise.resolve(entries.get(key)?.slice()),
    write(key, bytes) {
      entries.set(key, Uint8Array.from(bytes));
      return Promise.resolve();
    },
    remove(key) {
      for (const other of [...entries.keys()]) {
        if (other === key || other.startsWith(`${key}/`)) entries.delete(other);
      }
      return Promise.resolve();
    },
  };
}
