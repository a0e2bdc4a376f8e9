import { erf } from './erf.ts';
import { exp } from './exp.ts';

const { fround } = Math;

const SQRT_HALF = fround(Math.SQRT1_2);
const DENSITY = fround(0.3989422804014327);
const SLOPE = fround(1.5957691216057308);
const CUBIC = fround(0.044715);

/** x · Φ(x), or the form with tanh as x · σ(u), in float32 steps. */
export function gelu(x: number, approximate: boolean): number {
  if (approximate) return fround(x / onePlusExp(x));
  return fround(fround(x * 0.5) * onePlusErf(x));
}

/** dy times the slope of gelu. */
export function geluGrad(dy: number, x: number, approximate: boolean): number {
  return fround(dy * (approximate ? sigmoidSlope(x) : erfSlope(x)));
}

const onePlusErf = (x: number): number => fround(erf(fround(x * SQRT_HALF)) + 1);

function erfSlope(x: number): number {
  const density = exp(fround(fround(x * x) * -0.5));
  return fround(fround(onePlusErf(x) * 0.5) + fround(fround(x * DENSITY) * density));
}

function onePlusExp(x: number): number {
  const cube = fround(fround(fround(x * x) * x) * CUBIC);
  return fround(exp(fround(fround(x + cube) * -SLOPE)) + 1);
}

function sigmoidSlope(x: number): number {
  const s = fround(1 / onePlusExp(x));
  const slope = fround(fround(1 + fround(fround(x * x) * fround(3 * CUBIC))) * SLOPE);
  return fround(s + fround(fround(fround(x * s) * fround(1 - s)) * slope));
}
