import { CqError } from '@cq/core/runtime';

/** Width of an element as it is stored: codes of at most 8 or 16 bits, or a word (int32, the bits of a float32). */
export type ElementBits = 8 | 16 | 32;

/**
 * A tensor as our programs see it: its elements in row-major order, packed into RGBA32UI texels from the lowest bits of `r` on, so
 * that a reshape moves nothing and a texel holds 16 codes, 8 wide ones or 4 words. Texel i lies at (i mod 2^shift, ⌊i / 2^shift⌋): narrow textures waste
 * little of their last row, and few tensors need a wide one.
 */
export interface Texture {
  readonly texture: WebGLTexture;
  readonly bits: ElementBits;
  /** Elements. */
  readonly size: number;
  readonly shift: number;
  readonly width: number;
  readonly height: number;
}

const NARROW = 8;
/** The largest texture that every WebGL2 has. */
const WIDE = 11;
export const TEXEL_BYTES = 16;

/** Elements of a texel. */
export function perTexel(bits: ElementBits): number {
  return 128 / bits;
}

/** A texture for so many elements; never empty. */
export function textureSize(size: number, bits: ElementBits): Pick<Texture, 'shift' | 'width' | 'height'> {
  const texels = Math.max(1, Math.ceil(size / perTexel(bits)));
  const shift = texels <= 2 ** (NARROW + WIDE) ? NARROW : WIDE;
  return { shift, width: Math.min(texels, 2 ** shift), height: Math.ceil(texels / 2 ** shift) };
}

/** Bytes that a texture takes. */
export function textureBytes({ width, height }: Pick<Texture, 'width' | 'height'>): number {
  return width * height * TEXEL_BYTES;
}

/** The width in which codes of so many bits are stored. */
export function elementBits(bits: number): ElementBits {
  return bits <= 8 ? 8 : bits <= 16 ? 16 : 32;
}

/** A tensor's data as the texels of its texture, with zeros behind them. */
export function toTexels(data: Float32Array | Int32Array | Uint8Array, width: number, height: number): Uint32Array {
  const texels = new Uint8Array(textureBytes({ width, height }));
  texels.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return new Uint32Array(texels.buffer);
}

/** The data of a tensor out of its texels: the reverse of `toTexels`, and codes of 16 bits widened to int32. */
export function fromTexels(
  texels: Uint32Array,
  { bits, size }: Pick<Texture, 'bits' | 'size'>,
  dtype: string,
): Float32Array | Int32Array | Uint8Array {
  if (bits === 16) return Int32Array.from(new Int16Array(texels.buffer, 0, size));
  if (bits === 8) return new Uint8Array(texels.buffer, 0, size);
  if (dtype === 'float32') return new Float32Array(texels.buffer, 0, size);
  if (dtype === 'int32') return new Int32Array(texels.buffer, 0, size);
  throw new CqError(`backend-webgl: a texture of 32 bits must be float32 or int32, got ${dtype}`);
}
