/** `int codeIn(int start, int column)`: a code of `bits` bits in the packed row of `name` that begins with byte `start`. */
export const packedRows = (name: string): string => `
int codeIn(int start, int column) {
  int place = column * bits;
  int byte_ = start + (place >> 3);
  int field = (${name}At(byte_) & 255) | ((${name}At(byte_ + 1) & 255) << 8);
  return ((field >> (place & 7)) << (32 - bits)) >> (32 - bits);
}
`;
