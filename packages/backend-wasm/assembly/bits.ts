// Packed codes of 1 to 8 bits, two's complement, as core/runtime/bits.ts has them.

/** The code that begins at a bit of the bytes from `base` on. No byte that has none of it is read. */
@inline
export function packedCode(base: usize, bit: usize, bits: i32): i32 {
  const address = base + (bit >> 3);
  const skip = <i32>(bit & 7);
  let bytes = <i32>load<u8>(address);
  if (skip + bits > 8) bytes |= <i32>load<u8>(address, 1) << 8;
  return ((bytes >> skip) << (32 - bits)) >> (32 - bits);
}

/** Bytes of a packed row. */
@inline
export function rowBytes(columns: i32, bits: i32): i32 {
  return (columns * bits + 7) >> 3;
}
