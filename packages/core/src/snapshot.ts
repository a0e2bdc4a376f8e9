import { CqError } from './errors.ts';
import type { Store } from './store.ts';

/** A state in a form that a store can hold and give back bit for bit. The `Checkpoint` of `fit` is one. */
export interface Snapshot<State = unknown> {
  /** A JSON value. */
  readonly state: State;
  readonly arrays: Readonly<Record<string, SnapshotArray>>;
}

/** Types of arrays that a snapshot holds. */
export type SnapshotArray = Float32Array | Float64Array | Int32Array | Uint8Array;

const arrayTypes = { Float32Array, Float64Array, Int32Array, Uint8Array } as const;

/** What stands before the arrays. */
interface Header {
  readonly state: unknown;
  readonly arrays: readonly (readonly [name: string, type: keyof typeof arrayTypes, length: number])[];
}

const LENGTH_BYTES = 4;

/**
 * Writes a snapshot as one entry:
 *
 *     length of the header (uint32, little-endian) ‖ header (JSON: state; name, type and length of each array) ‖ arrays
 */
export function writeSnapshot(store: Store, key: string, { state, arrays }: Snapshot): Promise<void> {
  const listed = Object.entries(arrays);
  const header: Header = {
    state,
    arrays: listed.map(([name, array]) => [name, array[Symbol.toStringTag], array.length]),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = listed.reduce((sum, [, { byteLength }]) => sum + byteLength, LENGTH_BYTES + text.length);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + text.length;
  for (const [, { buffer, byteOffset, byteLength }] of listed) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return store.write(key, bytes);
}

/**
 * undefined if nothing was written under this key.
 * @throws CqError if what stands there is no snapshot, or only a part of one.
 */
export async function readSnapshot<State>(store: Store, key: string): Promise<Snapshot<State> | undefined> {
  const bytes = await store.read(key);
  if (!bytes) return undefined;
  const broken = new CqError(`${store.name ?? 'store'}: "${key}" must be a whole snapshot; remove it`);
  if (bytes.length < LENGTH_BYTES) throw broken;
  const end = LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const { state, arrays } = parsed(bytes.subarray(LENGTH_BYTES, end), broken);
  let at = end;
  const entries = arrays.map(([name, type, length]): [string, SnapshotArray] => {
    const start = at;
    at += length * arrayTypes[type].BYTES_PER_ELEMENT;
    if (at > bytes.length) throw broken;
    return [name, new arrayTypes[type](bytes.slice(start, at).buffer)];
  });
  if (at !== bytes.length) throw broken;
  return { state: state as State, arrays: Object.fromEntries(entries) };
}

function parsed(bytes: Uint8Array, broken: CqError): Header {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Header;
  } catch {
    throw broken;
  }
}
