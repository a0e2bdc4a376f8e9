/** Whether a runtime computes what the first one does: a broken one would be fast. */

/** Below this cosine between the outputs it is another model; naive 4-bit rounding of DeiT-Tiny leaves 0.67. */
const LEAST_COSINE = 0.5;

/** @returns top-1 hits among the questions, the largest difference of an output, and whether that is the same model. */
export function compareOutputs(expected, outputs) {
  const same = expected.filter((values, i) => top(values) === top(outputs[i])).length;
  const [a, b] = [expected, outputs].map((lists) => lists.flatMap((values) => [...values]));
  const differences = a.map((value, i) => Math.abs(value - b[i]));
  const alike = cosine(a, b);
  return {
    ...{ same, of: expected.length },
    largestDifference: differences.reduce((most, value) => Math.max(most, value), 0),
    ...{ cosine: alike, sound: expected.length === 0 || alike >= LEAST_COSINE },
  };
}

const top = (values) => values.indexOf(Math.max(...values));

function cosine(a, b) {
  if (a.length !== b.length) return NaN;
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
