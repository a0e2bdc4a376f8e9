/**
 * The steps of LayerNorm that its definition takes in float64, in integers of 64 bits, each rounded as IEEE 754 asks. Needs
 * `uint64` and `float32`.
 */
export const float64 = `
// fround(1 / √(t + m · 2^(e − 1200))): a sum, a root, a quotient, each rounded to 53 bits, and then to a float32; 0 where the sum
// is 0. t and m have at most 53 bits.
uint inverseRoot(uvec2 t, uvec2 m, uint e) {
  if (zero64(t) && zero64(m)) {
    return 0u;
  }
  // Both with their highest bit at 62; x is the larger.
  uvec2 x = t;
  uint xe = 1200u;
  uvec2 y = m;
  uint ye = e;
  if (!zero64(t)) {
    uint n = 62u - highest64(t);
    x = shl64(t, n);
    xe = 1200u - n;
  }
  if (!zero64(m)) {
    uint n = 62u - highest64(m);
    y = shl64(m, n);
    ye = e - n;
  }
  if (zero64(t) || (!zero64(m) && xe < ye)) {
    uvec2 swap = x;
    x = y;
    y = swap;
    uint swapped = xe;
    xe = ye;
    ye = swapped;
  }
  if (!zero64(y)) {
    x = add64(x, shrSticky64(y, xe - ye));
  }
  // 53 bits: x < 2^64 here, so that the last of its bits is kept apart.
  uvec2 halved = shrSticky64(x, 1u);
  uint drop = highest64(halved) - 52u;
  uvec2 v = shrEven64(halved, drop);
  uint ve = xe + drop + 1u;
  if (v.x >= 0x200000u) {
    v = shr64(v, 1u);
    ve = ve + 1u;
  }
  // The root of v · 2^52, or of v · 2^53 where that leaves an even exponent: 53 pairs of bits.
  uint odd = ve & 1u;
  uvec2 radicand = shl64(v, odd);
  uint h = (ve - odd) >> 1u;
  uvec2 root = uvec2(0u, 0u);
  uvec2 rest = uvec2(0u, 0u);
  for (uint i = 0u; i < 53u; i++) {
    uint pair = i < 27u ? shr64(radicand, 52u - 2u * i).y & 3u : 0u;
    rest = shl64(rest, 2u);
    rest = uvec2(rest.x, rest.y | pair);
    uvec2 trial = shl64(root, 2u);
    trial = uvec2(trial.x, trial.y | 1u);
    root = shl64(root, 1u);
    if (!less64(rest, trial)) {
      rest = sub64(rest, trial);
      root = uvec2(root.x, root.y | 1u);
    }
  }
  if (less64(root, rest)) {
    root = add64(root, uvec2(0u, 1u));
  }
  if (root.x >= 0x200000u) {
    root = shr64(root, 1u);
    h = h + 1u;
  }
  // 2^105 / root.
  uvec2 quotient = uvec2(0x200000u, 0u);
  if (root.x != 0x100000u || root.y != 0u) {
    quotient = uvec2(0u, 0u);
    rest = uvec2(0x100000u, 0u);
    for (uint i = 0u; i < 53u; i++) {
      rest = shl64(rest, 1u);
      quotient = shl64(quotient, 1u);
      if (!less64(rest, root)) {
        rest = sub64(rest, root);
        quotient = uvec2(quotient.x, quotient.y | 1u);
      }
    }
    if (less64(root, shl64(rest, 1u))) {
      quotient = add64(quotient, uvec2(0u, 1u));
    }
  }
  return packFloat(0u, quotient, 1545u - h);
}
`;
