import fc from 'fast-check';
import { CqPatchEmbed } from '@cq/core/runtime';
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
  readonly outputs: number;
  readonly bits: number;
  readonly zeroPoint: number;
  readonly spread: Spread;
  readonly seed: number;
}

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { batch, channels, patch, prefix, outputs, bits } = c;
  const inputs = channels * patch * patch;
  const fit = 2 ** bits / (Math.sqrt(inputs) * 2 ** 14);
  const operands = {
    x: codes(next, [batch, channels, c.down * patch, c.across * patch], c.spread),
    w: panels(next, outputs, inputs, c.spread),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 16),
    multiplier: floats([outputs], () => fit * (0.5 + next())),
    tokens: floats([prefix + c.down * c.across, outputs], () => (next() - 0.5) * 2 ** (bits - 2)),
  };
  const attrs = {
    ...{
      outputs,
      inputs,
      weightBits: 8,
      layout: 'k2n8',
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
        ...{ batch: size(0, 3), channels: size(1, 3), down: size(1, 4), across: size(1, 4), patch: size(1, 11) },
        ...{ prefix: size(0, 2), outputs: size(1, 20), bits: codeBits, zeroPoint, spread, seed },
      }),
      check,
    ),
    { numRuns: 300 },
  );
});

test('patch embedding equals its definition over several blocks of patches', () =>
  check({
    ...{ batch: 2, channels: 3, down: 14, across: 14, patch: 16, prefix: 1, outputs: 12, bits: 16 },
    ...{ zeroPoint: 0, spread: 'even', seed: 1 },
  }));
