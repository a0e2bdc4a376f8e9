/**
 * Unsigned integers of 64 bits as (high, low) words: GLSL ES 3.00 has 32 bits and no wide product. The text of this folder keeps
 * to uint and uvec2, a multiplication has factors of at most 16 bits, and no sum is compared before it is stored, so that
 * `testing/to-javascript.ts` can run it in a test.
 */
export const uint64 = `
uvec2 mul32(uint a, uint b) {
  uint al = a & 0xffffu;
  uint ah = a >> 16u;
  uint bl = b & 0xffffu;
  uint bh = b >> 16u;
  uint low = al * bl;
  uint upper = ah * bl + (low >> 16u);
  uint middle = al * bh + (upper & 0xffffu);
  uint high = ah * bh + (upper >> 16u) + (middle >> 16u);
  return uvec2(high, (middle << 16u) | (low & 0xffffu));
}

uvec2 add64(uvec2 a, uvec2 b) {
  uint low = a.y + b.y;
  uint carry = low < a.y ? 1u : 0u;
  return uvec2(a.x + b.x + carry, low);
}

uvec2 sub64(uvec2 a, uvec2 b) {
  uint borrow = a.y < b.y ? 1u : 0u;
  return uvec2(a.x - b.x - borrow, a.y - b.y);
}

bool less64(uvec2 a, uvec2 b) {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

bool zero64(uvec2 a) {
  return a.x == 0u && a.y == 0u;
}

uvec2 shl64(uvec2 a, uint n) {
  if (n == 0u) {
    return a;
  }
  if (n > 63u) {
    return uvec2(0u, 0u);
  }
  if (n > 31u) {
    return uvec2(a.y << (n - 32u), 0u);
  }
  return uvec2((a.x << n) | (a.y >> (32u - n)), a.y << n);
}

uvec2 shr64(uvec2 a, uint n) {
  if (n == 0u) {
    return a;
  }
  if (n > 63u) {
    return uvec2(0u, 0u);
  }
  if (n > 31u) {
    return uvec2(0u, a.x >> (n - 32u));
  }
  return uvec2(a.x >> n, (a.y >> n) | (a.x << (32u - n)));
}

// Shifted right; the lowest bit tells of what fell off.
uvec2 shrSticky64(uvec2 a, uint n) {
  if (n == 0u) {
    return a;
  }
  if (n > 63u) {
    return uvec2(0u, zero64(a) ? 0u : 1u);
  }
  uvec2 shifted = shr64(a, n);
  uvec2 back = shl64(shifted, n);
  uint lost = back.x == a.x && back.y == a.y ? 0u : 1u;
  return uvec2(shifted.x, shifted.y | lost);
}

// a / 2^n to the nearest, halves to the even one; a < 2^63.
uvec2 shrEven64(uvec2 a, uint n) {
  if (n == 0u) {
    return a;
  }
  if (n > 63u) {
    return uvec2(0u, 0u);
  }
  uvec2 shifted = shr64(a, n);
  uvec2 rest = sub64(a, shl64(shifted, n));
  uvec2 half_ = shl64(uvec2(0u, 1u), n - 1u);
  bool tie = rest.x == half_.x && rest.y == half_.y;
  bool up = less64(half_, rest) || (tie && (shifted.y & 1u) == 1u);
  return add64(shifted, uvec2(0u, up ? 1u : 0u));
}

// Place of the highest bit that is set; a > 0.
uint highest(uint a) {
  uint v = a;
  uint n = 0u;
  if (v > 0xffffu) {
    n = n + 16u;
    v = v >> 16u;
  }
  if (v > 0xffu) {
    n = n + 8u;
    v = v >> 8u;
  }
  if (v > 0xfu) {
    n = n + 4u;
    v = v >> 4u;
  }
  if (v > 3u) {
    n = n + 2u;
    v = v >> 2u;
  }
  return v > 1u ? n + 1u : n;
}

uint highest64(uvec2 a) {
  return a.x == 0u ? highest(a.y) : highest(a.x) + 32u;
}
`;
