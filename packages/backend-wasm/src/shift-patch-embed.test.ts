import fc from 'fast-check';
import { CqShiftPatchEmbed, layoutOf } from '@cq/core/runtime';
import { codeBits, codes, integers, panels, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
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
  readonly spread: Spread;
  readonly seed: number;
}

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { batch, channels, patch, prefix, suffix, outputs, bits, weightBits } = c;
  const inputs = channels * patch * patch;
  const shift = Math.ceil(Math.log2(inputs) / 2) + 14 - bits;
  const operands = {
    x: codes(next, [batch, channels, c.down * patch, c.across * patch], c.spread),
    w: panels(next, outputs, inputs, c.spread, weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 16),
    unit: integers([outputs], () => -20 + Math.floor(next() * 3)),
    exponent: integers([outputs], () => shift - 20 + Math.floor(next() * 3)),
    tokens: integers([prefix + c.down * c.across + suffix, outputs], () => (next() - 0.5) * 2 ** (bits + shift)),
  };
  await expectReference(CqShiftPatchEmbed, operands, {
    ...{ outputs, inputs, weightBits, layout: layoutOf(weightBits), bits, patch, prefix },
    ...{ rows: c.down, columns: c.across, inputExponent: -5 },
  });
}

test('patch embedding by shifts equals its definition', async () => {
  const size = (min: number, max: number) => fc.integer({ min, max });
  const anyCase = fc.record<Case>({
    ...{ batch: size(0, 3), channels: size(1, 3), down: size(1, 6), across: size(1, 6), patch: size(1, 11) },
    ...{ prefix: size(0, 2), suffix: size(0, 3), outputs: size(1, 20), bits: codeBits, spread, seed },
    weightBits: fc.constantFrom(3, 4, 8),
  });
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 200 });
});
