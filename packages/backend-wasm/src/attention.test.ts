import fc from 'fast-check';
import { CqAttention, type Operand } from '@cq/core/runtime';
import {
  codeBits,
  codes,
  integers,
  nearestCode,
  seed,
  spread,
  stream,
  zeroPoint,
  type Spread,
} from './testing/arbitrary.ts';
import { expectReference } from './testing/equals-reference.ts';

/** Chance of a key to count, for the items of a batch in turn. */
const masks = {
  ...{ absent: undefined, every: [1], half: [0.5], few: [0.05], none: [0] },
  'none in one item': [0.7, 0, 1],
} as const;

/** The table of exponentials as fractions of its largest: the last two make sums of one value, and of 0. */
const falls = {
  slowly: (i: number) => 0.97 ** i,
  quickly: (i: number) => 0.5 ** i,
  'at once': (i: number) => Number(i === 0),
  'from 0': () => 0,
} as const;

interface Case {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly depth: number;
  readonly logitBits: number;
  readonly logitZeroPoint: number;
  readonly probabilityBits: number;
  readonly bits: number;
  readonly zeroPoint: number;
  readonly spread: Spread;
  /** Levels that mean themselves, as of uniform probabilities, or any int16. */
  readonly levels: 'identity' | 'any';
  readonly mask: keyof typeof masks;
  readonly fall: keyof typeof falls;
  readonly seed: number;
}

const keysOf = <T extends object>(table: T) => fc.constantFrom(...(Object.keys(table) as (keyof T)[]));

const anyCase = (shape: { readonly [K in 'batch' | 'tokens' | 'heads' | 'depth']: fc.Arbitrary<number> }) =>
  fc.record<Case>({
    ...shape,
    ...{ logitBits: fc.constantFrom(4, 7, 8), logitZeroPoint: zeroPoint, probabilityBits: fc.constantFrom(1, 4, 8) },
    ...{ bits: codeBits, zeroPoint, spread, levels: fc.constantFrom('identity', 'any'), seed },
    ...{ mask: keysOf(masks), fall: fc.oneof(fc.constant('slowly' as const), keysOf(falls)) },
  });

/** Anything but 0 counts. */
function mask(next: () => number, batch: number, tokens: number, chances: readonly number[]): Operand {
  const chance = (i: number) => chances[Math.floor(i / tokens) % chances.length]!;
  return integers([batch, tokens], (i) => (next() < chance(i) ? 1 - 3 * Math.floor(next() * 2) : 0));
}

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { batch, tokens, heads, depth, bits, probabilityBits } = c;
  const channels = heads * depth;
  const shape = [batch, tokens, channels];
  const most = Math.floor((2 ** 31 - 1) / Math.max(tokens, 1));
  const chances = masks[c.mask];
  const operands = {
    ...{ q: codes(next, shape, c.spread), k: codes(next, shape, c.spread), v: codes(next, shape, c.spread) },
    exponentials: integers([256], (i) => Math.floor(most * falls[c.fall](i))),
    levels: integers([2 ** probabilityBits], (i) => (c.levels === 'identity' ? i : (next() - 0.5) * 2 ** 16)),
    ...(chances && { mask: mask(next, batch, tokens, chances) }),
  };
  const attrs = {
    ...{
      heads,
      depth,
      masked: chances !== undefined,
      tokens,
      logitMultiplier: 2 ** c.logitBits / (2 ** 15 * Math.sqrt(depth)),
      logitBits: c.logitBits,
    },
    ...{ logitZeroPoint: nearestCode(c.logitZeroPoint, c.logitBits), probabilityKind: 'uniform', probabilityBits },
    ...{
      probabilityScale: (0.5 + next()) / 2 ** probabilityBits / Math.sqrt(tokens),
      bits,
      zeroPoint: nearestCode(c.zeroPoint, bits),
    },
    outputMultiplier: 2 ** bits / 2 ** (c.levels === 'identity' ? probabilityBits + 7 : 22),
    ...{ queryScale: 1, keyScale: 1, valueScale: 1, logitScale: 1, outputScale: 1, factor: 1 },
  };
  await expectReference(CqAttention, operands, attrs);
}

test('attention equals its definition for every shape and quantizer', async () => {
  const size = (min: number, max: number) => fc.integer({ min, max });
  await fc.assert(
    fc.asyncProperty(anyCase({ batch: size(0, 4), tokens: size(1, 40), heads: size(1, 3), depth: size(1, 34) }), check),
    { numRuns: 500 },
  );
});

test('attention equals its definition at the sizes of a vision Transformer', async () => {
  const sizes = {
    batch: fc.constantFrom(1, 2),
    tokens: fc.constantFrom(197, 198),
    heads: fc.constant(2),
    depth: fc.constant(64),
  };
  await fc.assert(fc.asyncProperty(anyCase(sizes), check), { numRuns: 10 });
});

const plain: Case = {
  ...{ batch: 3, tokens: 13, heads: 2, depth: 9, logitBits: 8, logitZeroPoint: 0, probabilityBits: 8, bits: 8 },
  ...{ zeroPoint: 5, spread: 'even', levels: 'any', mask: 'absent', fall: 'slowly', seed: 1 },
};

test('no tokens', async () => {
  for (const mask of ['absent', 'half'] as const) await check({ ...plain, tokens: 0, mask });
});

test('an item without a key that counts, and sums of 0, in the widest codes too', async () => {
  for (const bits of [8, 16]) {
    await check({ ...plain, bits, mask: 'none' });
    await check({ ...plain, bits, mask: 'none in one item' });
    await check({ ...plain, bits, fall: 'from 0' });
    await check({ ...plain, bits, fall: 'from 0', mask: 'half' });
  }
});
