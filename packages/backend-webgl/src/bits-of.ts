const buffer = new DataView(new ArrayBuffer(4));

/** The bits of a number as a float32: how programs take them. */
export function bitsOf(value: number): number {
  buffer.setFloat32(0, value);
  return buffer.getInt32(0);
}
