/**
 * A fingerprint of a sequence of tensors that needs no more memory than one of them:
 *
 *     digest ← SHA-256(digest ‖ little-endian float32 bytes)        for one after the other, from no bytes at all
 *
 * so that of a single tensor it is the SHA-256 of its bytes. WebCrypto computes it, in Node and in pages, but hashes no
 * streams; hence the chain.
 */
export function digestChain(): { add(values: Float32Array): Promise<void>; hex(): string } {
  let digest = new Uint8Array();
  return {
    async add(values) {
      const bytes = new Uint8Array(digest.length + 4 * values.length);
      bytes.set(digest);
      const view = new DataView(bytes.buffer, digest.length);
      for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true);
      digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    },
    hex: () => [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}
