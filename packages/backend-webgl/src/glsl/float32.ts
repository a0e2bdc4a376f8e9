/**
 * IEEE 754 binary32 on the bits of the numbers, in integers: GLSL promises no rounding. Each function gives the bits that
 * `Math.fround` gives for the operation, subnormal numbers, infinities and NaN (0x7fc00000) included. Needs `uint64`.
 */
export const float32 = `
const uint INFINITE = 0x7f800000u;
const uint NOT_A_NUMBER = 0x7fc00000u;

bool isNotANumber(uint f) {
  return (f & 0x7fffffffu) > INFINITE;
}

// Mantissa, and exponent e with value = m · 2^(e − 150).
uvec2 partsOf(uint f) {
  uint e = (f >> 23u) & 0xffu;
  uint m = f & 0x7fffffu;
  if (e == 0u) {
    return uvec2(m, 1u);
  }
  return uvec2(m | 0x800000u, e);
}

// The float nearest to m · 2^(e − 1024), m < 2^63.
uint packFloat(uint sign, uvec2 m, uint e) {
  if (zero64(m)) {
    return sign;
  }
  uint n = highest64(m);
  uint t = n + e;
  uint extra = t < 898u ? 898u - t : 0u;
  uint drop = n + extra;
  uvec2 q = drop < 24u ? shl64(m, 23u - drop) : shrEven64(m, drop - 23u);
  uint base = t < 898u ? 0u : t - 898u;
  if (base > 254u) {
    return sign | INFINITE;
  }
  uint bits = (base << 23u) + q.y;
  return sign | (bits < INFINITE ? bits : INFINITE);
}

// Of an int32, given as its bits.
uint floatOf(uint i) {
  uint sign = i & 0x80000000u;
  uint m = sign == 0u ? i : 0u - i;
  return packFloat(sign, uvec2(0u, m), 1024u);
}

uint mulFloat(uint a, uint b) {
  uint sign = (a ^ b) & 0x80000000u;
  uint x = a & 0x7fffffffu;
  uint y = b & 0x7fffffffu;
  if (x >= INFINITE || y >= INFINITE) {
    if (x > INFINITE || y > INFINITE || x == 0u || y == 0u) {
      return NOT_A_NUMBER;
    }
    return sign | INFINITE;
  }
  uvec2 p = partsOf(x);
  uvec2 q = partsOf(y);
  return packFloat(sign, mul32(p.x, q.x), p.y + q.y + 724u);
}

uint addFloat(uint a, uint b) {
  uint x = a & 0x7fffffffu;
  uint y = b & 0x7fffffffu;
  if (x >= INFINITE || y >= INFINITE) {
    if (x > INFINITE || y > INFINITE || (x == INFINITE && y == INFINITE && a != b)) {
      return NOT_A_NUMBER;
    }
    return x == INFINITE ? a : b;
  }
  uint large = x < y ? b : a;
  uint small = x < y ? a : b;
  uvec2 p = partsOf(large);
  uvec2 q = partsOf(small);
  uvec2 m = shl64(uvec2(0u, p.x), 32u);
  uvec2 n = shrSticky64(shl64(uvec2(0u, q.x), 32u), p.y - q.y);
  uint sign = large & 0x80000000u;
  if (((a ^ b) & 0x80000000u) == 0u) {
    return packFloat(sign, add64(m, n), p.y + 842u);
  }
  uvec2 difference = sub64(m, n);
  return zero64(difference) ? 0u : packFloat(sign, difference, p.y + 842u);
}

// Of positive finite b; a may be anything.
uint divFloat(uint a, uint b) {
  uint sign = a & 0x80000000u;
  uint x = a & 0x7fffffffu;
  if (x > INFINITE) {
    return NOT_A_NUMBER;
  }
  if (x == INFINITE || x == 0u) {
    return a;
  }
  uvec2 p = partsOf(x);
  uvec2 q = partsOf(b);
  uint up = 23u - highest(p.x);
  uint down = 23u - highest(q.x);
  uint rest = p.x << up;
  uint divisor = q.x << down;
  uint quotient = 0u;
  for (uint i = 0u; i < 28u; i++) {
    quotient = quotient << 1u;
    if (rest >= divisor) {
      rest = rest - divisor;
      quotient = quotient | 1u;
    }
    rest = rest << 1u;
  }
  uint sticky = rest == 0u ? 0u : 1u;
  return packFloat(sign, uvec2(0u, (quotient << 1u) | sticky), p.y + 996u + down - q.y - up);
}

// The nearest integer, halves to the even one, as the bits of an int32; those beyond ±2^30, and infinities, are ±2^30.
uint roundFloat(uint f) {
  uint e = (f >> 23u) & 0xffu;
  uint m = (f & 0x7fffffu) | 0x800000u;
  uint q = 0u;
  if (e > 156u) {
    q = 0x40000000u;
  } else if (e > 149u) {
    q = m << (e - 150u);
  } else if (e > 125u) {
    uint n = 150u - e;
    uint rest = m & ((1u << n) - 1u);
    uint half_ = 1u << (n - 1u);
    q = m >> n;
    if (rest > half_ || (rest == half_ && (q & 1u) == 1u)) {
      q = q + 1u;
    }
  }
  return (f & 0x80000000u) == 0u ? q : 0u - q;
}

// Whether a >= b; false with NaN.
bool atLeast(uint a, uint b) {
  if (isNotANumber(a) || isNotANumber(b)) {
    return false;
  }
  uint x = a == 0x80000000u ? 0u : a;
  uint y = b == 0x80000000u ? 0u : b;
  uint p = x < 0x80000000u ? x + 0x80000000u : 0u - x;
  uint q = y < 0x80000000u ? y + 0x80000000u : 0u - y;
  return p >= q;
}
`;
