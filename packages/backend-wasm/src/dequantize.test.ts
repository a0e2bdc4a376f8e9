import fc from 'fast-check';
import { CqDequantize } from '@cq/core/runtime';
import { codes, floats, integers, seed, stream } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

test('dequantize equals its definition for codes and raw accumulators', async () => {
  const size = fc.integer({ min: 0, max: 21 });
  await fc.assert(
    fc.asyncProperty(
      ...[fc.array(size, { minLength: 1, maxLength: 3 }), fc.boolean(), fc.boolean()],
      ...[fc.oneof(fc.constant(0), fc.integer()), seed],
      async (shape: number[], wide: boolean, perChannel: boolean, zeroPoint: number, from: number) => {
        const next = stream(from);
        const scale = floats([perChannel ? shape.at(-1)! : 1], () => next());
        const raw = integers(shape, () => (next() - 0.5) * 2 ** 32);
        await expectReference(
          CqDequantize,
          { codes: wide ? raw : codes(next, shape, 'even'), scale },
          { zeroPoint, bits: wide ? 32 : 8 },
        );
      },
    ),
    { numRuns: 300 },
  );
});
