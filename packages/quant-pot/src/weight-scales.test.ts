import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { onLevels, type Rows } from '@cq/core';
import type { scaleMethods } from './scales.ts';
import { gramOf } from './all-tokens.ts';
import { weightScales, type WeightProblem } from './weight-scales.ts';

const [tokens, inputs, outputs] = [20, 6, 3];

const thousandths = (most: number) => fc.integer({ min: -1000 * most, max: 1000 * most }).map((value) => value / 1000);

interface Given extends WeightProblem {
  readonly x: Rows;
}

const problem = fc
  .record({
    w: fc.array(thousandths(2), {
      minLength: inputs * outputs,
      maxLength: inputs * outputs,
    }),
    x: fc.array(thousandths(4), { minLength: tokens * inputs, maxLength: tokens * inputs }),
    axis: fc.constantFrom<0 | 1>(0, 1),
  })
  .map(({ w, x: values, axis }): Given => {
    const x = { data: Float32Array.from(values), channels: inputs };
    const shape = axis === 1 ? ([inputs, outputs] as const) : ([outputs, inputs] as const);
    return { name: 'w', data: Float32Array.from(w), axis, shape, x, input: gramOf(x, 'x') };
  });

/** Σ_tokens |x · (ŵ − w)|², in doubles. */
function outputError({ data, axis, x }: Given, levels: Float32Array): number {
  let error = 0;
  for (let t = 0; t < tokens; t++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) {
        const at = axis === 1 ? k * outputs + n : n * inputs + k;
        sum += x.data[t * inputs + k]! * (levels[at]! - data[at]!);
      }
      error += sum * sum;
    }
  }
  return error;
}

test.each([true, false])(
  'the search errs no more than rounding up, down or to the nearest (per output: %s)',
  (perOutput) => {
    fc.assert(
      fc.property(problem, fc.constantFrom(4, 8), (given, bits) => {
        const error = (scales: (typeof scaleMethods)[number]): number => {
          const { quantizer } = weightScales(given, { bits, perOutput, scales });
          return outputError(given, onLevels(given.data, given.shape, quantizer));
        };
        const least = Math.min(error('floor'), error('ceil'), error('nearest'));
        expect(error('search')).toBeLessThanOrEqual(least * (1 + 1e-4) + 1e-6);
      }),
      { numRuns: 40 },
    );
  },
);

test('an output of zeros, as masks leave, keeps its zeros', () => {
  const data = Float32Array.of(0, 1, 0, -1, 0, 0.5);
  const given: WeightProblem = {
    ...{ name: 'w', data, shape: [3, 2], axis: 1 },
    input: gramOf({ data: Float32Array.of(1, 2, 3), channels: 3 }, 'x'),
  };
  const { quantizer } = weightScales(given, { bits: 4, perOutput: true, scales: 'search' });
  expect([...onLevels(data, [3, 2], quantizer)]).toEqual([0, 1, 0, -1, 0, 0.5]);
});
