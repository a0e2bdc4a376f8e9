import fc from 'fast-check';
import { biasBound, CqAttention, type Operand } from '@cq/core/runtime';
import {
  codeBits,
  codes,
  floats,
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

/** Biases of the logits, as multiples of what the products of codes come to: the last would overflow with any larger ones. */
const biases = {
  absent: undefined,
  zero: () => 0,
  like: (depth: number, next: () => number) => (next() - 0.5) * 2 ** 15 * Math.sqrt(depth),
  ends: (depth: number, next: () => number) => (next() < 0.5 ? -1 : 1) * biasBound(depth),
} as const;

/** Chance of a query to look at a key, for the windows in turn. */
const sights = {
  absent: undefined,
  every: [1],
  half: [0.5, 0.7, 0.3],
  none: [0],
  'none in one window': [0.6, 0],
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
  /** Levels that mean themselves, as of uniform probabilities, any int16, or those of cells. */
  readonly levels: 'identity' | 'any' | 'cells';
  readonly mask: keyof typeof masks;
  readonly fall: keyof typeof falls;
  readonly bias: keyof typeof biases;
  readonly sight: keyof typeof sights;
  readonly windows: number;
  readonly seed: number;
}

const keysOf = <T extends object>(table: T) => fc.constantFrom(...(Object.keys(table) as (keyof T)[]));

const anyCase = (shape: { readonly [K in 'batch' | 'tokens' | 'heads' | 'depth']: fc.Arbitrary<number> }) =>
  fc.record<Case>({
    ...shape,
    ...{ logitBits: fc.constantFrom(4, 7, 8), logitZeroPoint: zeroPoint, probabilityBits: fc.constantFrom(1, 4, 8) },
    ...{ bits: codeBits, zeroPoint, spread, levels: fc.constantFrom('identity', 'any', 'cells'), seed },
    ...{ mask: keysOf(masks), fall: fc.oneof(fc.constant('slowly' as const), keysOf(falls)) },
    ...{ bias: keysOf(biases), sight: keysOf(sights), windows: fc.constantFrom(1, 2, 3) },
  });

/** Anything but 0 counts. */
function mask(next: () => number, batch: number, tokens: number, chances: readonly number[]): Operand {
  const chance = (i: number) => chances[Math.floor(i / tokens) % chances.length]!;
  return integers([batch, tokens], (i) => (next() < chance(i) ? 1 - 3 * Math.floor(next() * 2) : 0));
}

/** Anything but 0 counts. */
function visible(next: () => number, windows: number, tokens: number, chances: readonly number[]): Operand {
  const chance = (i: number) => chances[Math.floor(i / tokens ** 2) % chances.length]!;
  const data = Uint8Array.from({ length: windows * tokens ** 2 }, (_, i) =>
    next() < chance(i) ? 255 * next() + 1 : 0,
  );
  return { dtype: 'bool', shape: [windows, tokens, tokens], data };
}

/** Closer together the smaller they are. */
function boundaries(next: () => number, bits: number, most: number): Operand {
  const list = floats([2 ** bits - 1], () => next() ** 4 * most);
  return { ...list, data: (list.data as Float32Array).sort() };
}

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { tokens, heads, depth, bits, probabilityBits } = c;
  const sight = sights[c.sight];
  const windows = sight ? c.windows : 1;
  const batch = c.batch * windows;
  const channels = heads * depth;
  const shape = [batch, tokens, channels];
  const most = Math.floor((2 ** 31 - 1) / Math.max(tokens, 1));
  const chances = masks[c.mask];
  const bias = biases[c.bias];
  const probabilityScale = (0.5 + next()) / 2 ** probabilityBits / Math.sqrt(tokens);
  const operands = {
    ...{ q: codes(next, shape, c.spread), k: codes(next, shape, c.spread), v: codes(next, shape, c.spread) },
    exponentials: integers([256], (i) => Math.floor(most * falls[c.fall](i))),
    levels: integers([2 ** probabilityBits], (i) => (c.levels === 'identity' ? i : (next() - 0.5) * 2 ** 16)),
    ...(bias && { bias: integers([heads, tokens, tokens], () => bias(depth, next)) }),
    ...(sight && { visible: visible(next, windows, tokens, sight) }),
    ...(c.levels === 'cells' && { boundaries: boundaries(next, probabilityBits, 1 / probabilityScale) }),
    ...(chances && { mask: mask(next, batch, tokens, chances) }),
  };
  const attrs = {
    ...{
      heads,
      depth,
      biased: bias !== undefined,
      windows: sight ? windows : 0,
      masked: chances !== undefined,
      tokens,
      logitMultiplier: 2 ** c.logitBits / (2 ** 15 * Math.sqrt(depth)),
      logitBits: c.logitBits,
    },
    ...{
      logitZeroPoint: nearestCode(c.logitZeroPoint, c.logitBits),
      probabilityKind: c.levels === 'cells' ? 'log2' : 'uniform',
      probabilityBits,
    },
    ...{
      probabilityScale,
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

test('attention equals its definition in the windows of a Swin Transformer', async () => {
  const sizes = {
    batch: fc.constantFrom(1, 2),
    tokens: fc.constantFrom(16, 49, 64),
    heads: fc.constant(3),
    depth: fc.constant(32),
  };
  await fc.assert(fc.asyncProperty(anyCase(sizes), check), { numRuns: 40 });
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
  ...{ bias: 'absent', sight: 'absent', windows: 2 },
};

test('no tokens', async () => {
  for (const mask of ['absent', 'half'] as const) await check({ ...plain, tokens: 0, mask });
});

test('an item without a key that counts, a query that looks at none, and sums of 0, in the widest codes too', async () => {
  for (const bits of [8, 16]) {
    await check({ ...plain, bits, mask: 'none' });
    await check({ ...plain, bits, mask: 'none in one item' });
    await check({ ...plain, bits, fall: 'from 0' });
    await check({ ...plain, bits, fall: 'from 0', mask: 'half' });
    for (const sight of ['none', 'none in one window'] as const) {
      await check({ ...plain, bits, sight });
      await check({ ...plain, bits, sight, tokens: 16, mask: 'half', bias: 'ends' });
    }
  }
});

test('cells of 8 bits at many keys, where one walk finds all', async () => {
  const some = { ...plain, batch: 2, depth: 16, levels: 'cells' } as const;
  for (const tokens of [47, 48, 197]) {
    for (const fall of ['slowly', 'quickly'] as const) {
      for (const sight of ['absent', 'half'] as const) {
        for (const mask of ['absent', 'half'] as const) await check({ ...some, tokens, fall, sight, mask });
      }
    }
  }
});
