import fc from 'fast-check';
import { CqAttention } from '@cq/core/runtime';
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

/** Chance of a key to count in the items of a batch, over and over; no mask at all if absent. */
const masks = { absent: undefined, half: [0.5], few: [0.05], all: [1], none: [0], 'not one in a later item': [0.7, 0] };
/** How exponentials fall: so fast to 0 that sums are 1, or all 0, so that sums are. */
const falls = { slowly: 0.97, fast: 0.5, 'to nothing': 0 };

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
  readonly exponentials: keyof typeof falls;
  readonly seed: number;
}

const anyCase = (shape: { readonly [K in 'batch' | 'tokens' | 'heads' | 'depth']: fc.Arbitrary<number> }) =>
  fc.record<Case>({
    ...shape,
    ...{ logitBits: fc.constantFrom(4, 7, 8), logitZeroPoint: zeroPoint, probabilityBits: fc.constantFrom(1, 4, 8) },
    ...{ bits: codeBits, zeroPoint, spread, levels: fc.constantFrom('identity', 'any'), seed },
    mask: fc.constantFrom(...keysOf(masks)),
    exponentials: fc.constantFrom('slowly', ...keysOf(falls)),
  });

async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const { batch, tokens, heads, depth, bits, probabilityBits } = c;
  const channels = heads * depth;
  const shape = [batch, tokens, channels];
  const most = Math.floor((2 ** 31 - 1) / Math.max(tokens, 1));
  const operands = {
    ...{ q: codes(next, shape, c.spread), k: codes(next, shape, c.spread), v: codes(next, shape, c.spread) },
    exponentials: integers([256], (i) => Math.floor(most * 0.97 ** i)),
    levels: integers([2 ** probabilityBits], (i) => (c.levels === 'identity' ? i : (next() - 0.5) * 2 ** 16)),
  };
  const attrs = {
    ...{
      heads,
      depth,
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
    fc.asyncProperty(anyCase({ batch: size(0, 2), tokens: size(1, 40), heads: size(1, 3), depth: size(1, 34) }), check),
    { numRuns: 300 },
  );
});

test('attention equals its definition at the sizes of a vision Transformer', async () => {
  const sizes = {
    batch: fc.constant(1),
    tokens: fc.constantFrom(197, 198),
    heads: fc.constant(2),
    depth: fc.constant(64),
  };
  await fc.assert(fc.asyncProperty(anyCase(sizes), check), { numRuns: 10 });
});

test('no tokens', async () => {
  await check({
    ...{ batch: 1, tokens: 0, heads: 1, depth: 4, logitBits: 8, logitZeroPoint: 0, probabilityBits: 8, bits: 8 },
    ...{ zeroPoint: 0, spread: 'even', levels: 'identity', seed: 1 },
  });
});
