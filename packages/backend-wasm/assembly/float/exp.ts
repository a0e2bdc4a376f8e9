// e^x = 2^n · e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2; e^r by its series up to r^7 / 7!, whose rest is below half a
// unit of the last place. Below −87 the result is 0: no number here is smaller than the normal ones, which are slow.

const LOWEST: f32 = -87;
/** Above it, n = 128 makes the result infinite. */
const HIGHEST: f32 = 89;
const LOG2E: f32 = 1.4426950216293335;
/** ln 2 in two parts; products of the first with n are exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -0.00021219444170128554;

@inline
export function exp4(x: v128): v128 {
  const under = f32x4.lt(x, f32x4.splat(LOWEST));
  x = f32x4.pmin(x, f32x4.splat(HIGHEST));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(LOG2E)));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH))), f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let y = f32x4.add(f32x4.mul(r, f32x4.splat(1.0 / 5040)), f32x4.splat(1.0 / 720));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(1.0 / 120));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(1.0 / 24));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(1.0 / 6));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(0.5));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(1));
  y = f32x4.add(f32x4.mul(r, y), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), under);
}
