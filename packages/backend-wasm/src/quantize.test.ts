import fc from 'fast-check';
import { CqQuantize } from '@cq/core/runtime';
import { codeBits, floats, stream, nearestCode, zeroPoint as anyZeroPoint } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

const special = [
  NaN,
  Infinity,
  -Infinity,
  3.4e38,
  -3.4e38,
  1e-45,
  -0,
  0,
  0.5,
  -0.5,
  1.5,
  2.5,
  2 ** 23,
  2 ** 31,
  -(2 ** 31),
];

test('quantize equals its definition, also for what is no number', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.float(), fc.constantFrom(...special)), { maxLength: 60 }),
      fc.oneof(fc.float({ min: Math.fround(1e-6), max: 10, noNaN: true }), fc.constantFrom(1, 0.5, 1e-40, 1e300)),
      anyZeroPoint,
      codeBits,
      (values, scale, zeroPoint, bits) =>
        expectReference(
          CqQuantize,
          { x: floats([values.length], (i) => values[i]!) },
          { scale, zeroPoint: nearestCode(zeroPoint, bits), bits },
        ),
    ),
    { numRuns: 300 },
  );
});

test('halves go to the even code', async () => {
  const next = stream(1);
  const x = floats([3, 5, 37], () => (Math.floor(next() * 512) - 256) / 2);
  for (const bits of [3, 8, 16]) await expectReference(CqQuantize, { x }, { scale: 1, zeroPoint: 1, bits });
});
