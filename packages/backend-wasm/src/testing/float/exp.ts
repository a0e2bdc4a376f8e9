import { roundHalfEven } from '@cq/core/runtime';

const { fround } = Math;

const LOG2E = fround(1.4426950216293335);
const LN2_HIGH = fround(0.693359375);
const LN2_LOW = fround(-0.00021219444170128554);
const SERIES = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1].map(fround);

/** e^x in float32 steps: 2^n · e^r with n = round(x / ln 2) and the series of e^r up to r^7 / 7!; 0 below −87. */
export function exp(x: number): number {
  if (x < -87) return 0;
  x = 89 < x ? 89 : x;
  const n = roundHalfEven(fround(x * LOG2E));
  const r = fround(fround(x - fround(n * LN2_HIGH)) - fround(n * LN2_LOW));
  const y = SERIES.slice(1).reduce((sum, term) => fround(fround(r * sum) + term), SERIES[0]!);
  return fround(y * 2 ** n);
}
