import fc from 'fast-check';
import { CqFloatLinear, layoutOf, type FloatLinearAttrs } from '@cq/core/runtime';
import { floats, panels, seed, stream } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightBits: number;
  /** 0: all inputs. */
  readonly group: number;
  readonly seed: number;
}

const size = (max: number) => fc.integer({ min: 1, max });

function given(c: Case) {
  const next = stream(c.seed);
  const { rows, outputs, inputs, weightBits } = c;
  const group = c.group || inputs;
  const operands = {
    x: floats([rows, inputs], () => (next() - 0.5) * 8),
    w: panels(next, outputs, inputs, 'even', weightBits),
    scale: floats([outputs, Math.ceil(inputs / group)], () => 0.01 + next()),
    bias: floats([outputs], () => next() - 0.5),
  };
  const attrs: FloatLinearAttrs = { outputs, inputs, weightBits, layout: layoutOf(weightBits), group };
  return { operands, attrs };
}

const check = async (c: Case): Promise<void> => {
  const { operands, attrs } = given(c);
  await expectReference(CqFloatLinear, operands, attrs);
};

test('equals its definition for every shape, width and group', async () => {
  const anyCase = fc.record({
    ...{ rows: size(9), inputs: size(50), outputs: size(20) },
    weightBits: fc.constantFrom(1, 2, 3, 4, 8),
    group: fc.constantFrom(0, 2, 6, 16, 32, 64),
    seed,
  });
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 200 });
});

test('equals its definition over many rows and inputs', async () => {
  await check({ rows: 33, inputs: 1536, outputs: 20, weightBits: 4, group: 32, seed: 1 });
  await check({ rows: 1, inputs: 8191, outputs: 9, weightBits: 3, group: 128, seed: 2 });
  await check({ rows: 0, inputs: 8, outputs: 9, weightBits: 8, group: 0, seed: 3 });
});
