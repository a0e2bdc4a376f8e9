/**
 * How integers and floats become codes. The floats of the graphics card, whose operations are off by a few 2^-23 of their result
 * at most, settle all but one code in a thousand: only where they lie within `SLACK` of a half do the integers of `float32`
 * decide. A code of NaN is 0, as an integer array stores it. Needs `float32`.
 */
export const codes = `
const float SLACK = ${2 ** -20};
// No code is as large, whatever the zero point.
const float LARGEST = ${2 ** 17}.0;

int codeOf(uint f, int zeroPoint, int low, int high) {
  return isNotANumber(f) ? 0 : clamp(int(roundFloat(f)) + zeroPoint, low, high);
}

uint scaled(int sum, uint multiplier) {
  return mulFloat(floatOf(uint(sum)), multiplier);
}

bool strange(uint f) {
  return (f & INFINITE) == INFINITE;
}

// Whether r, off by SLACK of size at most, may round to another integer.
bool doubtful(float r, float size) {
  return !(abs(fract(r) - 0.5) > size * SLACK + SLACK);
}

int nearest(float r, int zeroPoint, int low, int high) {
  return clamp(int(floor(clamp(r, -LARGEST, LARGEST) + 0.5)) + zeroPoint, low, high);
}

// clamp(round(fround(fround(sum) · multiplier)) + zeroPoint), or unsure; surely it is codeOf(scaled(..), ..).
int quickly(int sum, uint multiplier, int zeroPoint, int low, int high) {
  float r = clamp(float(sum) * uintBitsToFloat(multiplier), -LARGEST, LARGEST);
  unsure = doubtful(r, abs(r)) || strange(multiplier);
  return nearest(r, zeroPoint, low, high);
}

// clamp(round(fround(fround(fround(sum) · multiplier) + addend)) + zeroPoint)
int requantizedWith(int sum, uint multiplier, uint addend, int zeroPoint, int low, int high) {
  float a = float(sum) * uintBitsToFloat(multiplier);
  float b = uintBitsToFloat(addend);
  int code = nearest(a + b, zeroPoint, low, high);
  if (doubtful(a + b, abs(a) + abs(b)) || strange(multiplier) || strange(addend)) {
    code = codeOf(addFloat(scaled(sum, multiplier), addend), zeroPoint, low, high);
  }
  return code;
}
`;
