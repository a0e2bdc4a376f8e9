/**
 * Rows of codes of 1 to 8 bits, packed: code i takes the bits from i · bits on, counted from the lowest bit of the row's
 * first byte. Every row begins with a byte. Codes are two's complement, so that those of 8 bits are int8 as they stand.
 */
export function packRows(codes: ArrayLike<number>, columns: number, bits: number): Uint8Array {
  const stride = rowBytes(columns, bits);
  const rows = columns === 0 ? 0 : codes.length / columns;
  const packed = new Uint8Array(rows * stride);
  const mask = 2 ** bits - 1;
  for (let row = 0, from = 0; row < rows; row++) {
    for (let column = 0, bit = 8 * row * stride; column < columns; column++, bit += bits) {
      const field = (codes[from++]! & mask) << (bit & 7);
      packed[bit >> 3]! |= field;
      if (field > 255) packed[(bit >> 3) + 1]! |= field >> 8;
    }
  }
  return packed;
}

/** The reverse of `packRows`. */
export function unpackRows(packed: Uint8Array, columns: number, bits: number): Int8Array {
  const stride = rowBytes(columns, bits);
  const rows = columns === 0 ? 0 : packed.length / stride;
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    unpackRow(packed, row * stride, bits, codes.subarray(row * columns, (row + 1) * columns));
  }
  return codes;
}

/** The codes of one row, which begins at byte `start`. */
export function unpackRow(packed: Uint8Array, start: number, bits: number, codes: Int8Array): void {
  const unused = 32 - bits;
  for (let column = 0, bit = 8 * start; column < codes.length; column++, bit += bits) {
    const bytes = packed[bit >> 3]! | ((packed[(bit >> 3) + 1] ?? 0) << 8);
    codes[column] = ((bytes >> (bit & 7)) << unused) >> unused;
  }
}

/** Bytes of a packed row. */
export function rowBytes(columns: number, bits: number): number {
  return Math.ceil((columns * bits) / 8);
}
