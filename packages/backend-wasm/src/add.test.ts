import fc from 'fast-check';
import { CqAdd } from '@cq/core/runtime';
import { codeBits, codes, floats, nearestCode, seed, spread, stream, zeroPoint } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

test('a sum with a constant equals its definition', async () => {
  const size = (max: number) => fc.integer({ min: 0, max });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ items: size(3), tokens: size(4), channels: size(40), spread, seed, wide: fc.boolean() },
        ...{ bits: codeBits, zeroPoint, inputZeroPoint: zeroPoint, perChannel: fc.boolean() },
      }),
      async (c) => {
        const next = stream(c.seed);
        const inputBits = c.wide ? 16 : 8;
        const [tokens, channels] = [c.tokens + 1, c.channels + 1];
        const operands = {
          x: codes(next, [c.items, tokens, channels], c.spread, inputBits, c.wide ? 'int32' : 'bool'),
          addend: floats(c.perChannel ? [channels] : [tokens, channels], () => (next() - 0.5) * 2 ** c.bits),
        };
        await expectReference(CqAdd, operands, {
          ...{
            inputZeroPoint: nearestCode(c.inputZeroPoint, inputBits),
            multiplier: 2 ** (c.bits - inputBits) * next(),
          },
          ...{ bits: c.bits, zeroPoint: nearestCode(c.zeroPoint, c.bits), inputScale: 1, outputScale: 1 },
        });
      },
    ),
    { numRuns: 300 },
  );
});
