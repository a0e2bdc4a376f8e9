import type { Store } from '../store.ts';
import { sha256, SHA256_BYTES } from './sha256.ts';

/**
 * A store whose entries say that they are whole, and whose they are: before the bytes stands the SHA-256 of the owner,
 * the key and the bytes. An entry that was cut off, was spoiled, or is of another owner or key, is as if it were not there.
 */
export function sealedStore(store: Store, owner: string): Store {
  return {
    ...(store.name !== undefined && { name: store.name }),
    async read(key) {
      const entry = await store.read(key);
      if (!entry || entry.length < SHA256_BYTES) return undefined;
      const bytes = entry.subarray(SHA256_BYTES);
      const seal = await sha256([owner, key, bytes]);
      return seal.every((byte, i) => byte === entry[i]) ? bytes : undefined;
    },
    async write(key, bytes) {
      const entry = new Uint8Array(SHA256_BYTES + bytes.length);
      entry.set(await sha256([owner, key, bytes]));
      entry.set(bytes, SHA256_BYTES);
      await store.write(key, entry);
    },
    remove: (key) => store.remove(key),
  };
}
