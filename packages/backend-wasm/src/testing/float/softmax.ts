import { exp } from './exp.ts';
import { laneSum } from './lanes.ts';

const { fround } = Math;

/** exp(x − max) · (1 / Σ exp(x − max)) of a row, in float32 steps, the sum by lane. */
export function softmax(row: Float32Array): Float32Array {
  const most = row.reduce((a, b) => (a < b ? b : a), -Infinity);
  const exponentials = row.map((value) => exp(fround(value - most)));
  const inverse = fround(1 / laneSum(exponentials));
  return exponentials.map((value) => value * inverse);
}

/** (dy − Σ dy · y) · y of a row. */
export function softmaxGrad(dy: Float32Array, y: Float32Array): Float32Array {
  const sum = laneSum(dy.map((value, i) => value * y[i]!));
  return dy.map((value, i) => fround(value - sum) * y[i]!);
}
