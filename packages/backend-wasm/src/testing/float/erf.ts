const { fround } = Math;

const P = [
  2.0499710444710217e-6, 0.0002848428557626903, 0.0037647101562470198, 0.052745845168828964, 0.1903880536556244,
  1.1283791065216064,
].map(fround);
const Q = [
  3.808843030128628e-5, 0.0011622796300798655, 0.014967409893870354, 0.1141010969877243, 0.5020597577095032, 1,
].map(fround);
const HIGHEST = fround(3.92);

/** erf(x) in float32 steps: x · P(x²) / Q(x²), with |x| cut off at 3.92 and the result at 1. */
export function erf(x: number): number {
  x = between(x, HIGHEST);
  const t = fround(x * x);
  const polynomial = (terms: readonly number[]): number =>
    terms.slice(1).reduce((sum, term) => fround(fround(t * sum) + term), terms[0]!);
  return between(fround(fround(x * polynomial(P)) / polynomial(Q)), 1);
}

const between = (x: number, most: number): number => (most < x ? most : x < -most ? -most : x);

/** erf(x) in float64 by its series, good to 1e-10 for |x| ≤ 4. */
export function erfExact(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 0; n < 120; n++) {
    sum += term / (2 * n + 1);
    term *= (-x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
