import fc from 'fast-check';
import { CqShiftLayerNorm, type Operand, type ShiftLayerNormAttrs } from '@cq/core/runtime';
import { shiftLayerNorm } from './shift-layer-norm.ts';
import { codes, integers, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';
import { expectAllVariants } from './testing/variants.ts';

interface Case {
  readonly rows: number;
  readonly channels: number;
  readonly inputBits: number;
  readonly bits: number;
  readonly span: number;
  readonly gainBits: number;
  readonly gain: number;
  readonly epsilon: number;
  readonly spread: Spread;
  readonly seed: number;
}

interface NearTie {
  readonly channels: number;
  readonly half: number;
  readonly gainBits: number;
  readonly least: number;
  readonly seed: number;
}

const anyCase = (channels: fc.Arbitrary<number>): fc.Arbitrary<Case> =>
  fc.record({
    ...{ rows: fc.integer({ min: 1, max: 6 }), channels, inputBits: fc.constantFrom(2, 8, 16) },
    ...{
      bits: fc.constantFrom(4, 8, 16),
      span: fc.constantFrom(0, 3, 8, 20),
      gainBits: fc.constantFrom(0, 12, 16, 30),
    },
    ...{ gain: fc.constantFrom(0.1, 20, 2 ** 25), epsilon: fc.constantFrom(0, 7, 2 ** 50), spread, seed },
  });

function given(c: Case): { operands: Record<string, Operand>; attrs: ShiftLayerNormAttrs } {
  const next = stream(c.seed);
  const { rows, channels, inputBits, bits, span, gainBits, gain, epsilon } = c;
  const most = Math.min(gain * 2 ** gainBits, 2 ** 25);
  const operands = {
    x: codes(next, [rows, channels], c.spread, inputBits, inputBits > 8 ? 'int32' : 'bool'),
    exponents: integers([channels], () => Math.floor(next() * (span + 1)) - 7),
    gamma: integers([channels], () => (next() - 0.3) * most),
    beta: integers([channels], () => (next() - 0.5) * Math.min(2 ** (gainBits + bits), 2 ** 32)),
  };
  return { operands, attrs: { epsilon, gainBits, bits, exponent: -4 } };
}

function check(c: Case): void {
  const { operands, attrs } = given(c);
  expectAllVariants(CqShiftLayerNorm, shiftLayerNorm, operands, attrs);
}

test('integer layer norm equals its definition', () => {
  fc.assert(fc.property(anyCase(fc.integer({ min: 1, max: 70 })), check), { numRuns: 600 });
});

test('integer layer norm equals its definition on the widest rows', () => {
  fc.assert(fc.property(anyCase(fc.constantFrom(2047, 2048)), check), { numRuns: 40 });
});

test('numbers next to a tie are rounded as all others', () => {
  const near = fc.record({
    ...{
      channels: fc.constantFrom(8, 24, 190),
      half: fc.integer({ min: 1, max: 500 }),
      gainBits: fc.constantFrom(1, 8, 16),
    },
    ...{ least: fc.constantFrom(0, 1, 100), seed },
  });
  const checkNear = ({ channels, half, gainBits, least, seed }: NearTie): void => {
    const next = stream(seed);
    const one = 2 ** gainBits;
    const halves = (most: number): number => (Math.floor(next() * 2 * most) - most) * (one / 2);
    const about = (): number => Math.round((next() - 0.5) * 2 * Math.min(least, one / 2));
    const operands = {
      x: integers([3, channels], (i) => (i % 2 ? half : -half)), // normalised to 1 and -1, or nearly
      exponents: integers([channels], () => 0),
      gamma: integers([channels], () => halves(60) + about()),
      beta: integers([channels], () => halves(60) + about()),
    };
    expectAllVariants(CqShiftLayerNorm, shiftLayerNorm, operands, { epsilon: 0, gainBits, bits: 8, exponent: 0 });
  };
  fc.assert(fc.property(near, checkNear), { numRuns: 300 });
});

test('a row without variance gives beta, whatever its codes are', () => {
  const { operands, attrs } = given({
    ...{ rows: 3, channels: 16, inputBits: 8, bits: 8, span: 0, gainBits: 16, gain: 20, epsilon: 0 },
    ...{ spread: 'low', seed: 1 },
  });
  check({
    ...{ rows: 3, channels: 16, inputBits: 8, bits: 8, span: 0, gainBits: 16, gain: 20, epsilon: 0 },
    spread: 'low',
    seed: 1,
  });
  const output = new Uint8Array(48);
  CqShiftLayerNorm.reference(operands, attrs, output);
  const beta = operands['beta']!.data as Int32Array;
  const codesOfBeta = Int8Array.from(beta, (value) => Math.max(-128, Math.min(127, Math.round(value / 2 ** 16))));
  expect([...new Int8Array(output.buffer).subarray(0, 16)]).toEqual([...codesOfBeta]);
});

test('the kernel that TensorFlow.js runs equals the definition', async () => {
  for (const inputBits of [8, 16]) {
    const { operands, attrs } = given({
      ...{ rows: 4, channels: 45, inputBits, bits: 8, span: 6, gainBits: 16, gain: 20, epsilon: 3 },
      ...{ spread: 'even', seed: 5 },
    });
    await expectReference(CqShiftLayerNorm, operands, attrs);
  }
});
