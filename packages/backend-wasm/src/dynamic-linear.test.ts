import fc from 'fast-check';
import { CqDynamicLinear, layoutOf, type DynamicLinearAttrs, type Operand } from '@cq/core/runtime';
import { floats, panels, seed, stream } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightBits: number;
  readonly bits: number;
  readonly seed: number;
}

const size = (max: number) => fc.integer({ min: 1, max });

const anyCase = fc.record({
  ...{ rows: fc.oneof(size(9), fc.integer({ min: 22, max: 30 })), inputs: size(50), outputs: size(20) },
  weightBits: fc.constantFrom(1, 2, 3, 4, 8),
  bits: fc.integer({ min: 2, max: 8 }),
  seed,
});

/** Rows of very different sizes, one of them of zeros. */
const values = (next: () => number, rows: number, inputs: number): Operand =>
  floats([rows, inputs], (i) => (next() - 0.5) * (i < inputs ? 0 : 10 ** (Math.floor(i / inputs) % 7)));

function given(c: Case, x = values(stream(c.seed + 1), c.rows, c.inputs)) {
  const next = stream(c.seed);
  const { outputs, inputs, weightBits, bits } = c;
  const operands = {
    x,
    w: panels(next, outputs, inputs, 'even', weightBits),
    scale: floats([outputs], () => 0.01 + next()),
    bias: floats([outputs], () => next() - 0.5),
  };
  const attrs: DynamicLinearAttrs = { outputs, inputs, weightBits, layout: layoutOf(weightBits), bits };
  return { operands, attrs };
}

test('equals its definition for every shape and width', async () => {
  const check = async (c: Case): Promise<void> => {
    const { operands, attrs } = given(c);
    await expectReference(CqDynamicLinear, operands, attrs);
  };
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 200 });
});

test.each([8, 4])('equals its definition over many rows, weights of %d bits', async (weightBits) => {
  const { operands, attrs } = given({ rows: 70, inputs: 770, outputs: 24, weightBits, bits: 8, seed: 1 });
  await expectReference(CqDynamicLinear, operands, attrs);
});

test('no rows, and values that are no numbers', async () => {
  const c = { inputs: 9, outputs: 5, weightBits: 8, bits: 8, seed: 2 };
  const none = given(
    { ...c, rows: 0 },
    floats([0, 9], () => 0),
  );
  await expectReference(CqDynamicLinear, none.operands, none.attrs);
  const odd = [NaN, Infinity, -Infinity, 3e38, -0, 1e-45, -1, 1e-38, 7];
  const strange = given(
    { ...c, rows: 9 },
    floats([9, 9], (i) => odd[((i + (i / 9) * 4) % 9) | 0]!),
  );
  await expectReference(CqDynamicLinear, strange.operands, strange.attrs);
});
