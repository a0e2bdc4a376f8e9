import { clamp, codeRange, requantize, roundHalfEven } from './arithmetic.ts';
import { cellOf } from './cell.ts';
import {
  codesOf,
  codeType,
  ensure,
  ensureCodes,
  sizeOf,
  type Attrs,
  type LoweredOp,
  type Operand,
  type Shaped,
} from './op.ts';

/** Attributes of `CqAttention`. */
export interface AttentionAttrs extends Attrs {
  readonly heads: number;
  /** Channels per head. */
  readonly depth: number;
  /** Whether `bias` is added to the products of queries and keys. */
  readonly biased: boolean;
  /** Windows that a batch is made of, each with its own mask in `visible`; 0 if there is none. */
  readonly windows: number;
  /** Whether `mask` says which keys count. */
  readonly masked: boolean;
  /** Most tokens that `exponentials` was made for: tokens · max(exponentials) < 2^31. */
  readonly tokens: number;
  readonly logitMultiplier: number;
  /** Codes of the logits, 8 bits at most; a zero point would cancel in the softmax and only shifts the clamp. */
  readonly logitBits: number;
  readonly logitZeroPoint: number;
  /** Kind and width of the unsigned codes of the probabilities. Those that are not `uniform` have `boundaries`. */
  readonly probabilityKind: string;
  readonly probabilityBits: number;
  readonly probabilityScale: number;
  readonly outputMultiplier: number;
  readonly bits: number;
  readonly zeroPoint: number;
  /** Read by `raise` and `inspect`, not by kernels. */
  readonly queryScale: number;
  readonly keyScale: number;
  readonly valueScale: number;
  readonly logitScale: number;
  readonly outputScale: number;
  /** Factor on q·k before the softmax, usually 1/√(channels per head). */
  readonly factor: number;
}

/**
 * For every head h and query i of item b of the batch:
 *
 *     a[j] = Σ_d q[i, d] · k[j, d] + bias[h, i, j]                                                      int32
 *     l[j] = clamp(round(fround(fround(a[j]) · logitMultiplier)) + logitZeroPoint)                      8-bit logit codes
 *     e[j] = exponentials[max_j l − l[j]]                                                               S = Σ_j e[j] < 2^31
 *            over the keys that the query looks at: those where visible[b mod windows, i, j] is not 0; 0 for the others,
 *            and where S is 0 every share is 0
 *     share[j] = fround(fround(e[j]) · fround(fround(1 / probabilityScale) / fround(S)))
 *     p[j] = min(round(share[j]), 2^probabilityBits − 1) of uniform probabilities; of others the cell of `boundaries` that
 *            the share lies in (`cell.ts`)
 *     y[i, d] = clamp(round(fround(fround(Σ_j levels[p[j]] · v[j, d]) · outputMultiplier)) + zeroPoint)
 *
 * Keys whose mask is 0 are as if they were not there.
 * q, k, v: int8 [batch, tokens, heads · d]; exponentials: int32 [256], none negative; levels: int32 [2^probabilityBits], each
 * within int16; bias: int32 [heads, queries, keys], within `biasBound`; visible: bytes [windows, queries, keys];
 * boundaries: float32 [2^probabilityBits − 1], ascending; mask: int32 [batch, tokens], 0 = padding;
 * y: codes [batch, tokens, heads · d].
 */
export const CqAttention: LoweredOp = {
  name: 'CqAttention',
  inputs: ['q', 'k', 'v', 'exponentials', 'levels', 'bias', 'visible', 'boundaries', 'mask'],
  attrs: {
    heads: 'int',
    depth: 'int',
    biased: 'bool',
    windows: 'int',
    masked: 'bool',
    tokens: 'int',
    logitMultiplier: 'float',
    logitBits: 'int',
    logitZeroPoint: 'int',
    probabilityKind: 'string',
    probabilityBits: 'int',
    probabilityScale: 'float',
    outputMultiplier: 'float',
    bits: 'int',
    zeroPoint: 'int',
    queryScale: 'float',
    keyScale: 'float',
    valueScale: 'float',
    logitScale: 'float',
    outputScale: 'float',
    factor: 'float',
  },
  present(input, attrs) {
    const { biased, windows, probabilityKind, masked } = attrs as AttentionAttrs;
    if (input === 'boundaries') return probabilityKind !== 'uniform';
    return input === 'bias' ? biased : input === 'visible' ? windows !== 0 : input !== 'mask' || masked;
  },
  bounds(input, attrs) {
    const { tokens, depth } = attrs as AttentionAttrs;
    if (input === 'exponentials') return [0, Math.floor((2 ** 31 - 1) / tokens)];
    if (input === 'levels') return [-(2 ** 15), 2 ** 15 - 1];
    return input === 'bias' ? [-biasBound(depth), biasBound(depth)] : undefined;
  },
  check(operands, attrs) {
    const a = attrs as AttentionAttrs;
    checkAttention('CqAttention', operands, a);
    ensureCodes('CqAttention', a.bits, a.zeroPoint);
    ensureCodes('CqAttention', a.logitBits, a.logitZeroPoint, 8);
    const { boundaries } = operands;
    if (boundaries) {
      ensure(
        boundaries.dtype === 'float32' && sizeOf(boundaries.shape) === 2 ** a.probabilityBits - 1,
        'CqAttention',
        `boundaries must be float32 [${2 ** a.probabilityBits - 1}]`,
        boundaries.shape,
      );
    }
  },
  output: ({ q }, attrs) => ({ dtype: codeType((attrs as AttentionAttrs).bits), shape: q!.shape }),
  reference(operands, attrs, output) {
    const a = attrs as AttentionAttrs;
    const decode = operands['levels']!.data as Int32Array;
    const cells = operands['boundaries']?.data as Float32Array | undefined;
    const logitMultiplier = Math.fround(a.logitMultiplier);
    const outputMultiplier = Math.fround(a.outputMultiplier);
    const inverse = Math.fround(1 / Math.fround(a.probabilityScale));
    const [logitLow, logitHigh] = codeRange(a.logitBits);
    const [, top] = codeRange(a.probabilityBits, false);
    const [low, high] = codeRange(a.bits);
    const steps: AttentionSteps = {
      logit: (product) => clamp(requantize(product, logitMultiplier) + a.logitZeroPoint, logitLow, logitHigh),
      levelOf(total) {
        const ratio = total === 0 ? 0 : Math.fround(inverse / Math.fround(total));
        return (exponential) => {
          const share = Math.fround(Math.fround(exponential) * ratio);
          const code = cells ? cellOf(cells, share) : roundHalfEven(share);
          return decode[code > top ? top : code]!;
        };
      },
      output: (sum) => clamp(requantize(sum, outputMultiplier) + a.zeroPoint, low, high),
    };
    attend(operands, a, steps, output);
  },
};

/** Sizes and options that every attention op has. */
export type AttentionSizes = Pick<
  AttentionAttrs,
  'heads' | 'depth' | 'biased' | 'windows' | 'masked' | 'tokens' | 'logitBits' | 'probabilityBits'
>;

/** What becomes of the integers on the way. */
export interface AttentionSteps {
  /** Product of a query and a key → logit code. */
  logit(product: number): number;
  /** For one query, whose exponentials sum to `total`: exponential → level of the probability's code. */
  levelOf(total: number): (exponential: number) => number;
  /** Sum of levels times values → output code. */
  output(sum: number): number;
}

/** What is common to all attention: who looks at whom, and sums of products. */
export function attend(
  { q, k, v, exponentials, bias, visible, mask }: Readonly<Record<string, Operand>>,
  { heads, depth, windows, logitBits }: AttentionSizes,
  steps: AttentionSteps,
  output: Float32Array | Int32Array | Uint8Array,
): void {
  const [batch, tokens, channels] = q!.shape as [number, number, number];
  const [queries, keys, values] = [codesOf(q!), codesOf(k!), codesOf(v!)];
  const table = exponentials!.data as Int32Array;
  const biases = bias?.data as Int32Array | undefined;
  const pairs = visible?.data as Uint8Array | undefined;
  const keep = mask?.data as Int32Array | undefined;
  const [least] = codeRange(logitBits);
  const logits = new Int32Array(tokens);
  const sums = new Int32Array(depth);
  const exponents = new Int32Array(tokens);

  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      const base = b * tokens * channels + head * depth;
      for (let i = 0; i < tokens; i++) {
        const query = base + i * channels;
        const ofQuery = ((pairs ? b % windows : 0) * tokens + i) * tokens;
        const counts = (j: number): boolean => keep?.[b * tokens + j] !== 0;
        const sees = (j: number): boolean => counts(j) && pairs?.[ofQuery + j] !== 0;
        let max = least;
        for (let j = 0; j < tokens; j++) {
          let sum = biases?.[(head * tokens + i) * tokens + j] ?? 0;
          for (let d = 0; d < depth; d++) sum += queries[query + d]! * keys[base + j * channels + d]!;
          const code = steps.logit(sum | 0);
          logits[j] = code;
          if (code > max && sees(j)) max = code;
        }
        let total = 0;
        for (let j = 0; j < tokens; j++) total += exponents[j] = sees(j) ? table[max - logits[j]!]! : 0;
        const levelOf = steps.levelOf(total);
        sums.fill(0);
        for (let j = 0; j < tokens; j++) {
          if (!counts(j)) continue;
          const level = levelOf(exponents[j]!);
          for (let d = 0; d < depth; d++) sums[d] = sums[d]! + level * values[base + j * channels + d]!;
        }
        for (let d = 0; d < depth; d++) output[query + d] = steps.output(sums[d]!);
      }
    }
  }
}

/** What every attention op asks of what it reads. */
export function checkAttention(
  op: string,
  { q, k, v, exponentials, levels, bias, visible, mask }: Readonly<Record<string, Shaped>>,
  a: AttentionSizes,
): void {
  for (const [name, operand] of Object.entries({ q: q!, k: k!, v: v! })) {
    ensure(operand.dtype === 'bool', op, `${name} must be int8 codes (bool)`, operand.dtype);
    ensure(operand.shape.length === 3, op, `${name} must be [batch, tokens, channels]`, operand.shape);
    ensure(String(operand.shape) === String(q!.shape), op, 'q, k and v must have one shape', operand.shape);
  }
  const [batch, tokens, channels] = q!.shape as [number, number, number];
  ensure(a.heads >= 1 && a.heads * a.depth === channels, op, `heads · depth must be ${channels}`, [a.heads, a.depth]);
  ensure(a.probabilityBits >= 1 && a.probabilityBits <= 8, op, 'probabilityBits must be 1 to 8', a.probabilityBits);
  ensure(
    exponentials!.dtype === 'int32' && sizeOf(exponentials!.shape) === 256,
    op,
    'exponentials must be int32 [256]',
    exponentials!.shape,
  );
  ensure(
    levels!.dtype === 'int32' && sizeOf(levels!.shape) === 2 ** a.probabilityBits,
    op,
    `levels must be int32 [${2 ** a.probabilityBits}]`,
    levels!.shape,
  );
  if (bias) {
    ensure(
      bias.dtype === 'int32' && String(bias.shape) === String([a.heads, tokens, tokens]),
      op,
      `bias must be int32 [${a.heads}, ${tokens}, ${tokens}]`,
      bias.shape,
    );
  }
  if (visible) {
    ensure(
      visible.dtype === 'bool' && String(visible.shape) === String([a.windows, tokens, tokens]),
      op,
      `visible must be bytes (bool) [${a.windows}, ${tokens}, ${tokens}]`,
      visible.shape,
    );
    ensure(a.windows >= 1 && batch % a.windows === 0, op, `windows must divide a batch of ${batch}`, a.windows);
  }
  if (mask) {
    ensure(
      mask.dtype === 'int32' && String(mask.shape) === String([batch, tokens]),
      op,
      `mask must be int32 [${batch}, ${tokens}]`,
      mask.shape,
    );
  }
  ensure(tokens <= a.tokens, op, `tokens must be at most ${a.tokens}`, tokens);
}

/** The largest bias that leaves room in int32 for the products of `depth` codes. */
export function biasBound(depth: number): number {
  return 2 ** 31 - 1 - depth * 2 ** 14;
}
