import { CqError } from '../errors.ts';

const encoder = new TextEncoder();

/**
 * SHA-256( SHA-256(first part) ‖ SHA-256(second part) ‖ … ), texts as UTF-8: no part is copied, and none can pass for
 * the end of another.
 * @throws CqError where there is no WebCrypto: in pages that came neither over https nor from localhost.
 */
export async function sha256(parts: readonly (string | ArrayBufferView)[]): Promise<Uint8Array<ArrayBuffer>> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) throw new CqError('compress: a store needs WebCrypto, which pages have over https or from localhost');
  const digest = async (bytes: ArrayBufferView): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await subtle.digest('SHA-256', bytes as ArrayBufferView<ArrayBuffer>));
  const joined = new Uint8Array(SHA256_BYTES * parts.length);
  for (const [i, part] of parts.entries()) {
    joined.set(await digest(typeof part === 'string' ? encoder.encode(part) : part), SHA256_BYTES * i);
  }
  return digest(joined);
}

export const SHA256_BYTES = 32;

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
