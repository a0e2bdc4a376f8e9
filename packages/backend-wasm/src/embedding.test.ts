import fc from 'fast-check';
import { CqEmbedding, packRows, rowBytes, type Operand } from '@cq/core/runtime';
import { codes, floats, integers, seed, spread, stream, type Spread } from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

interface Case {
  readonly ids: readonly number[];
  readonly bits: number;
  readonly group: number;
  readonly rows: number;
  readonly channels: number;
  /** Float32 exponent of the scales: the least ones make products that are no normal numbers. */
  readonly exponent: number;
  readonly spread: Spread;
  readonly seed: number;
}

async function check({ ids, bits, group, rows, channels, exponent, spread, seed }: Case): Promise<void> {
  const next = stream(seed);
  const operands = {
    ids: integers(ids, () => (next() * 1.5 - 0.25) * rows),
    table: packed(codes(next, [rows, channels], spread, bits), bits),
    scale: floats([rows * Math.ceil(channels / group)], () => (next() - 0.3) * 2 ** exponent),
  };
  await expectReference(CqEmbedding, operands, { bits, channels, group });
}

/** A table of codes as it is stored. */
function packed({ shape, data }: Operand, bits: number): Operand {
  const [rows, channels] = shape as [number, number];
  const bytes = packRows(new Int8Array(data.buffer), channels, bits);
  return { dtype: 'bool', shape: [rows, rowBytes(channels, bits)], data: bytes };
}

test('embedding equals its definition for codes of every width and ids of every shape, in range or not', async () => {
  const size = (min: number, max: number) => fc.integer({ min, max });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ids: fc.array(size(0, 6), { maxLength: 3 }),
        ...{
          bits: fc.oneof(fc.constant(8), size(1, 8)),
          group: fc.oneof(fc.constantFrom(32, 2 ** 31 - 1), size(1, 40)),
        },
        ...{ rows: size(1, 50), channels: size(1, 40), exponent: fc.constantFrom(-146, -120, -7, 0, 119) },
        ...{ spread, seed },
      }),
      check,
    ),
    { numRuns: 300 },
  );
});

test('embedding equals its definition on a table as large as a vocabulary', async () => {
  const [rows, channels] = [30_522, 767];
  const next = stream(1);
  const data = new Uint8Array(rows * channels).map((_, i) => (i * 31) ^ (i >> 11));
  const operands = {
    ids: integers([2, 128], () => next() * rows),
    table: { dtype: 'bool', shape: [rows, channels], data },
    scale: floats([rows], next),
  } as const;
  await expectReference(CqEmbedding, operands, { bits: 8, channels, group: channels });
});

test('the ends of int32 are clamped to the rows', async () => {
  const ends = [-(2 ** 31), -1, 0, 6, 7, 2 ** 31 - 1];
  const next = stream(2);
  await expectReference(
    CqEmbedding,
    {
      ids: integers([ends.length], (i) => ends[i]!),
      table: codes(next, [7, 19], 'even'),
      scale: floats([7], next),
    },
    { bits: 8, channels: 19, group: 19 },
  );
});
