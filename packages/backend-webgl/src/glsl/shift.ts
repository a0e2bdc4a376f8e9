/**
 * What the ops of power-of-two models need: integers times powers of two, rounded half to even, as the bits of an int32; beyond
 * ±2^30 they are that. Exponents come with 1200 added. Needs `uint64`.
 */
export const shift = `
uint signed(bool negative, uvec2 m) {
  uint size = m.x != 0u || m.y > 0x40000000u ? 0x40000000u : m.y;
  return negative ? 0u - size : size;
}

// m · 2^(e − 1200), m < 2^63.
uint roundMagnitude(bool negative, uvec2 m, uint e) {
  if (zero64(m)) {
    return 0u;
  }
  if (e < 1201u) {
    return signed(negative, shrEven64(m, 1200u - e));
  }
  uint up = e - 1200u;
  uint n = highest64(m);
  return signed(negative, n + up > 62u ? uvec2(1u, 0u) : shl64(m, up));
}

uint sizeOf(uint v) {
  return v < 0x80000000u ? v : 0u - v;
}

// v · 2^(e − 1200) of an int32 v.
uint roundShifted(uint v, uint e) {
  return roundMagnitude(v > 0x7fffffffu, uvec2(0u, sizeOf(v)), e);
}

// a · 2^(ae − 1200) + b · 2^(be − 1200): the sum is a float64, rounded to 53 bits, before it is rounded to an integer.
uint roundSum(uint a, uint ae, uint b, uint be) {
  if (a == 0u) {
    return roundShifted(b, be);
  }
  if (b == 0u) {
    return roundShifted(a, ae);
  }
  uint an = 61u - highest(sizeOf(a));
  uint bn = 61u - highest(sizeOf(b));
  uvec2 x = shl64(uvec2(0u, sizeOf(a)), an);
  uvec2 y = shl64(uvec2(0u, sizeOf(b)), bn);
  uint xe = ae + 64u - an;
  uint ye = be + 64u - bn;
  bool negative = a > 0x7fffffffu;
  bool other = b > 0x7fffffffu;
  if (xe < ye || (xe == ye && less64(x, y))) {
    uvec2 swap = x;
    x = y;
    y = swap;
    uint swapped = xe;
    xe = ye;
    ye = swapped;
    bool turned = negative;
    negative = other;
    other = turned;
  }
  uvec2 moved = shrSticky64(y, xe - ye);
  uvec2 m = negative == other ? add64(x, moved) : sub64(x, moved);
  if (zero64(m)) {
    return 0u;
  }
  uint n = highest64(m);
  uint drop = n > 52u ? n - 52u : 0u;
  uint e = xe + drop;
  return e < 64u ? 0u : roundMagnitude(negative, shrEven64(m, drop), e - 64u);
}

// ⌊2^50 / ⌊√(v · 4^p)⌋⌋ and p, where v · 4^p has 51 or 52 bits, p at most 25; (0, 0) of v = 0.
uvec2 reciprocalRoot(uvec2 v) {
  if (zero64(v)) {
    return uvec2(0u, 30u);
  }
  uint n = highest64(v);
  uint p = n > 51u ? 0u : (51u - n) >> 1u;
  p = p > 25u ? 25u : p;
  uvec2 radicand = shl64(v, 2u * p);
  uint root = 0u;
  uvec2 rest = uvec2(0u, 0u);
  for (uint i = 0u; i < 27u; i++) {
    rest = shl64(rest, 2u);
    rest = uvec2(rest.x, rest.y | (shr64(radicand, 52u - 2u * i).y & 3u));
    uvec2 trial = uvec2(0u, (root << 2u) | 1u);
    root = root << 1u;
    if (!less64(rest, trial)) {
      rest = sub64(rest, trial);
      root = root | 1u;
    }
  }
  uint quotient = 0u;
  uint remainder = 0u;
  for (uint i = 0u; i < 51u; i++) {
    remainder = remainder << 1u;
    if (i == 0u) {
      remainder = 1u;
    }
    quotient = quotient << 1u;
    if (remainder >= root) {
      remainder = remainder - root;
      quotient = quotient | 1u;
    }
  }
  return uvec2(quotient, p);
}

// The nearest integer to e · 2^f / total, half to even, at most top < 256; 0 < total < 2^31, e <= 2^24, f <= 24.
uint quotientOf(uint e, uint f, uint total, uint top) {
  uvec2 rest = shl64(uvec2(0u, e), f);
  if (!less64(rest, mul32(top + 1u, total))) {
    return top;
  }
  uint q = 0u;
  for (uint i = 0u; i < 9u; i++) {
    uvec2 part = shl64(uvec2(0u, total), 8u - i);
    q = q << 1u;
    if (!less64(rest, part)) {
      rest = sub64(rest, part);
      q = q | 1u;
    }
  }
  uint twice = rest.y << 1u;
  if (twice > total || (twice == total && (q & 1u) == 1u)) {
    q = q + 1u;
  }
  return q > top ? top : q;
}

// ⌈total · boundary / 2^30⌉.
uint leastOf(uint total, uint boundary) {
  uvec2 product = mul32(total, boundary);
  uvec2 share = shr64(product, 30u);
  return share.y + ((product.y & 0x3fffffffu) == 0u ? 0u : 1u);
}

// round((round(x · reciprocal · 2^(p − 30)) · gamma + beta · 2^20) · 2^(−20 − gainBits)), x, gamma and beta int32.
uint shiftNormalised(uint x, uint reciprocal, uint p, uint gamma, uint beta, uint gainBits) {
  uvec2 n = shrEven64(mul32(sizeOf(x), reciprocal), 30u - p);
  bool negative = (x > 0x7fffffffu) != (gamma > 0x7fffffffu);
  uvec2 scaled = mul32(n.y, sizeOf(gamma));
  uvec2 offset = shl64(uvec2(0u, sizeOf(beta)), 20u);
  uvec2 m = scaled;
  if (negative == (beta > 0x7fffffffu)) {
    m = add64(scaled, offset);
  } else if (less64(scaled, offset)) {
    m = sub64(offset, scaled);
    negative = !negative;
  } else {
    m = sub64(scaled, offset);
  }
  return roundMagnitude(negative, m, 1180u - gainBits);
}
`;
