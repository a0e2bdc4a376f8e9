import fc from 'fast-check';
import { CqWeight, packRows, rowBytes, scaleCount } from '@cq/core/runtime';
import { codes, floats, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly shape: readonly number[];
  readonly bits: number;
  /** -1: one scale for the tensor; else modulo the number of axes. */
  readonly axis: number;
  readonly group: number;
  readonly table: boolean;
  readonly zeroPoint: number;
  readonly spread: Spread;
  readonly seed: number;
}

async function check({ shape, bits, axis, group, table, zeroPoint, spread, seed }: Case): Promise<void> {
  const next = stream(seed);
  const columns = shape.at(-1)!;
  const kept = axis < 0 ? -1 : axis % shape.length;
  const shared = shape.length === 2 && kept >= 0 ? group : 0;
  const sharing = { ...(kept >= 0 && { axis: kept }), ...(shared > 0 && { group: shared }) };
  const { data } = codes(next, shape, spread, bits);
  const packed = packRows(new Int8Array(data.buffer), columns, bits);
  await expectReference(
    CqWeight,
    {
      codes: { dtype: 'bool', shape: [...shape.slice(0, -1), rowBytes(columns, bits)], data: packed },
      scale: floats([scaleCount(shape, sharing)], () => (next() - 0.3) * 2 ** 7),
      ...(table && { levels: floats([2 ** bits], () => next() - 0.5) }),
    },
    { kind: table ? 'codebook' : 'uniform', bits, zeroPoint, columns, axis: kept, group: shared },
  );
}

test('weight equals its definition for every width, shape and way to share scales', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        shape: fc.array(fc.integer({ min: 1, max: 19 }), { minLength: 1, maxLength: 3 }),
        bits: fc.integer({ min: 1, max: 8 }),
        axis: fc.integer({ min: -1, max: 2 }),
        group: fc.constantFrom(0, 1, 3, 32, 2 ** 31 - 1),
        table: fc.boolean(),
        zeroPoint: fc.oneof(fc.integer({ min: -128, max: 127 }), fc.integer()),
        ...{ spread, seed },
      }),
      check,
    ),
    { numRuns: 400 },
  );
});
