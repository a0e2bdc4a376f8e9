import { erf4 } from './erf';
import { exp4 } from './exp';
import { load4, store4 } from './lanes';

const SQRT_HALF: f32 = 0.7071067811865476;
/** 1 / √(2π) */
const DENSITY: f32 = 0.3989422804014327;
/** 2 · √(2/π) */
const SLOPE: f32 = 1.5957691216057308;
const CUBIC: f32 = 0.044715;

/** y = x · Φ(x), or x · σ(2 √(2/π) (x + 0.044715 x³)), which is the form with tanh. */
export function gelu(x: usize, size: i32, approximate: bool, y: usize): void {
  const zero = f32x4.splat(0);
  for (let left = size; left > 0; left -= 4, x += 16, y += 16) {
    const v = load4(x, left, zero);
    store4(y, approximate ? sigmoidForm(v) : erfForm(v), left);
  }
}

/** dx = dy · y'(x) */
export function geluGrad(dy: usize, x: usize, size: i32, approximate: bool, dx: usize): void {
  const zero = f32x4.splat(0);
  for (let left = size; left > 0; left -= 4, dy += 16, x += 16, dx += 16) {
    const v = load4(x, left, zero);
    store4(dx, f32x4.mul(load4(dy, left, zero), approximate ? sigmoidSlope(v) : erfSlope(v)), left);
  }
}

/** 0.5 x · (1 + erf(x / √2)) */
@inline
function erfForm(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), onePlusErf(x));
}

/** 0.5 (1 + erf(x / √2)) + x · exp(−x² / 2) / √(2π) */
@inline
function erfSlope(x: v128): v128 {
  const density = exp4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
  return f32x4.add(
    f32x4.mul(onePlusErf(x), f32x4.splat(0.5)),
    f32x4.mul(f32x4.mul(x, f32x4.splat(DENSITY)), density),
  );
}

@inline
function onePlusErf(x: v128): v128 {
  return f32x4.add(erf4(f32x4.mul(x, f32x4.splat(SQRT_HALF))), f32x4.splat(1));
}

/** x / (1 + exp(−u)) */
@inline
function sigmoidForm(x: v128): v128 {
  return f32x4.div(x, onePlusExp(x, f32x4.mul(x, x)));
}

/** s + x · s · (1 − s) · u' with s = 1 / (1 + exp(−u)) */
@inline
function sigmoidSlope(x: v128): v128 {
  const one = f32x4.splat(1);
  const square = f32x4.mul(x, x);
  const s = f32x4.div(one, onePlusExp(x, square));
  const slope = f32x4.mul(f32x4.add(one, f32x4.mul(square, f32x4.splat(3 * CUBIC))), f32x4.splat(SLOPE));
  return f32x4.add(s, f32x4.mul(f32x4.mul(f32x4.mul(x, s), f32x4.sub(one, s)), slope));
}

/** 1 + exp(−u) with u = 2 √(2/π) (x + 0.044715 x³) */
@inline
function onePlusExp(x: v128, square: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(square, x), f32x4.splat(CUBIC));
  return f32x4.add(exp4(f32x4.mul(f32x4.add(x, cube), f32x4.splat(-SLOPE))), f32x4.splat(1));
}
