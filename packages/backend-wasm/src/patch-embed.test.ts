import fc from 'fast-check';
import { CqPatchEmbed, layoutOf } from '@cq/core/runtime';
import {
  codeBits,
  codes,
  floats,
  integers,
  panels,
  seed,
  spread,
  stream,
  nearestCode,
  zeroPoint,
  type Spread,
} from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly batch: number;
  readonly channels: number;
  readonly down: number;
  readonly across: number;
  readonly patch: number;
  readonly prefix: number;
  readonly suffix: number;
  readonly outputs: number;
  readonly weightBits: number;
  readonly bits: number;
  readonly zeroPoint: number;
  readonly spread: Spread;
  readonly seed: number;
}

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { batch, channels, patch, prefix, suffix, outputs, bits } = c;
  const inputs = channels * patch * patch;
  const fit = 2 ** bits / (Math.sqrt(inputs) * 2 ** 14);
  const operands = {
    x: codes(next, [batch, channels, c.down * patch, c.across * patch], c.spread),
    w: panels(next, outputs, inputs, c.spread, c.weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 16),
    multiplier: floats([outputs], () => fit * (0.5 + next())),
    tokens: floats([prefix + c.down * c.across + suffix, outputs], () => (next() - 0.5) * 2 ** (bits - 2)),
  };
  const attrs = {
    ...{
      outputs,
      inputs,
      weightBits: c.weightBits,
      layout: layoutOf(c.weightBits),
      bits,
      zeroPoint: nearestCode(c.zeroPoint, bits),
      patch,
      prefix,
    },
    ...{ rows: c.down, columns: c.across, inputScale: 1, inputZeroPoint: 0, outputScale: 1 },
  };
  await expectReference(CqPatchEmbed, operands, attrs);
}

test('patch embedding equals its definition', async () => {
  const size = (min: number, max: number) => fc.integer({ min, max });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ batch: size(0, 3), channels: size(1, 3), down: size(1, 6), across: size(1, 6), patch: size(1, 11) },
        ...{ prefix: size(0, 2), suffix: size(0, 3), outputs: size(1, 20), bits: codeBits, zeroPoint, spread, seed },
        weightBits: fc.constantFrom(3, 4, 8),
      }),
      check,
    ),
    { numRuns: 300 },
  );
});

test.each([4, 8])('patch embedding with %i-bit weights equals its definition over many patches', (weightBits) =>
  check({
    ...{ batch: 2, channels: 3, down: 14, across: 14, patch: 16, prefix: 1, suffix: 5, outputs: 12, bits: 16 },
    ...{ weightBits, zeroPoint: 0, spread: 'even', seed: 1 },
  }),
);
