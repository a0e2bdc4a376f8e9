/**
 * Codes of 8 bits in four words as whole floats, times 2^24: in software a shift costs several multiplications, and a product of
 * floats is cheaper than one of integers. Sums and products of whole floats below 2^24 are exact in any rounding.
 */
export const signedBytes = `
vec4 byte0(ivec4 w) {
  return vec4(w * 0x1000000);
}
vec4 byte1(ivec4 w) {
  return vec4((w * 0x10000) & -0x1000000);
}
vec4 byte2(ivec4 w) {
  return vec4((w * 0x100) & -0x1000000);
}
vec4 byte3(ivec4 w) {
  return vec4(w & -0x1000000);
}
ivec4 code(vec4 times2to24) {
  return ivec4(times2to24 * uintBitsToFloat(0x33800000u));
}
// The sum of sums of products of two such.
int whole(vec4 v) {
  return int((v.x + v.y + v.z + v.w) * uintBitsToFloat(0x27800000u));
}
`;
