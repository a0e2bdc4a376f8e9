/**
 * A fingerprint of `length` tensors in their order, in whichever order they come:
 *
 *     SHA-256( SHA-256(first tensor) ‖ SHA-256(second tensor) ‖ … )        of their little-endian float32 bytes
 *
 * It keeps 32 bytes a tensor. WebCrypto computes it, in Node and in pages.
 */
export function sequenceDigest(length: number): {
  set(index: number, values: Float32Array): Promise<void>;
  hex(): Promise<string>;
} {
  const digests = new Uint8Array(length * digestBytes);
  return {
    async set(index, values) {
      const view = new DataView(new ArrayBuffer(4 * values.length));
      for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true);
      digests.set(await sha256(view), index * digestBytes);
    },
    hex: async () => [...(await sha256(digests))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}

const digestBytes = 32;

async function sha256(bytes: DataView<ArrayBuffer> | Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}
