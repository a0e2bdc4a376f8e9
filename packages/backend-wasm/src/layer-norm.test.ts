import fc from 'fast-check';
import { CqLayerNorm } from '@cq/core/runtime';
import {
  codeBits,
  codes,
  floats,
  nearestCode,
  seed,
  spread,
  stream,
  zeroPoint,
  type Spread,
} from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly rows: number;
  readonly channels: number;
  readonly inputBits: number;
  readonly bits: number;
  readonly zeroPoint: number;
  readonly epsilon: number;
  readonly spread: Spread;
  readonly seed: number;
}

const anyCase = (channels: fc.Arbitrary<number>): fc.Arbitrary<Case> =>
  fc.record({
    ...{ rows: fc.integer({ min: 0, max: 6 }), channels, inputBits: fc.constantFrom(8, 16), bits: codeBits },
    ...{ zeroPoint, epsilon: fc.constantFrom(0, 1e-12, 1e-5), spread, seed },
  });

async function check({ rows, channels, inputBits, bits, zeroPoint, epsilon, spread, seed }: Case): Promise<void> {
  const next = stream(seed);
  const x = codes(next, [rows, channels], spread, inputBits, inputBits > 8 ? 'int32' : 'bool');
  const gamma = floats([channels], () => (next() - 0.3) * 2 ** (bits - 2));
  const beta = floats([channels], () => next() * 10);
  await expectReference(
    CqLayerNorm,
    { x, gamma, beta },
    { epsilon, inputScale: 0.01, bits, zeroPoint: nearestCode(zeroPoint, bits), outputScale: 1 },
  );
}

test('layer norm equals its definition', async () => {
  await fc.assert(fc.asyncProperty(anyCase(fc.integer({ min: 1, max: 70 })), check), { numRuns: 300 });
});

test('layer norm equals its definition on the widest rows', async () => {
  await fc.assert(fc.asyncProperty(anyCase(fc.constantFrom(2047, 2048)), check), { numRuns: 40 });
});

test('a row without variance and an epsilon that is no normal number', async () => {
  const x = codes(stream(1), [3, 16], 'low');
  const gamma = floats([16], () => 1);
  for (const epsilon of [0, 1e-300]) {
    const attrs = { epsilon, inputScale: 1, bits: 8, zeroPoint: 9, outputScale: 1 };
    await expectReference(CqLayerNorm, { x, gamma, beta: gamma }, attrs);
  }
});
