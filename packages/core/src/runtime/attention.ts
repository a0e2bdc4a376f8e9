import { clamp, codeRange, requantize, roundHalfEven } from './arithmetic.ts';
import { codesOf, codeType, ensure, ensureCodes, sizeOf, type Attrs, type LoweredOp } from './op.ts';

export interface AttentionAttrs extends Attrs {
  readonly heads: number;
  /** Channels per head. */
  readonly depth: number;
  /** Whether `mask` says which keys count. */
  readonly masked: boolean;
  /** Most tokens that `exponentials` was made for: tokens · max(exponentials) < 2^31. */
  readonly tokens: number;
  readonly logitMultiplier: number;
  /** Codes of the logits, 8 bits at most; a zero point would cancel in the softmax and only shifts the clamp. */
  readonly logitBits: number;
  readonly logitZeroPoint: number;
  /** Kind and width of the unsigned codes of the probabilities. */
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
 * For every head and query i:
 *
 *     l[j] = clamp(round(fround(fround(Σ_d q[i, d] · k[j, d]) · logitMultiplier)) + logitZeroPoint)     8-bit logit codes
 *     e[j] = exponentials[max_j l − l[j]]                                                               uint32, S = Σ_j e[j] < 2^31
 *            over the keys whose mask is not 0; 0 for the others, and where S is 0 every p[j] is 0
 *     uniform:  p[j] = min(round(fround(fround(e[j]) · fround(fround(1 / probabilityScale) / fround(S)))), 2^probabilityBits − 1)
 *     y[i, d] = clamp(round(fround(fround(Σ_j levels[p[j]] · v[j, d]) · outputMultiplier)) + zeroPoint)
 *
 * q, k, v: int8 [batch, tokens, heads · d]; exponentials: int32 [256]; levels: int32 [2^probabilityBits], each within
 * int16; mask: int32 [batch, tokens], 0 = padding;
 * y: codes [batch, tokens, heads · d].
 */
export const CqAttention: LoweredOp = {
  name: 'CqAttention',
  inputs: ['q', 'k', 'v', 'exponentials', 'levels', 'mask'],
  attrs: {
    heads: 'int',
    depth: 'int',
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
  present: (input, attrs) => input !== 'mask' || (attrs as AttentionAttrs).masked,
  check({ q, k, v, exponentials, levels, mask }, attrs) {
    const a = attrs as AttentionAttrs;
    for (const [name, operand] of Object.entries({ q: q!, k: k!, v: v! })) {
      ensure(operand.dtype === 'bool', 'CqAttention', `${name} must be int8 codes (bool)`, operand.dtype);
      ensure(operand.shape.length === 3, 'CqAttention', `${name} must be [batch, tokens, channels]`, operand.shape);
      ensure(
        String(operand.shape) === String(q!.shape),
        'CqAttention',
        'q, k and v must have one shape',
        operand.shape,
      );
    }
    const [batch, tokens, channels] = q!.shape as [number, number, number];
    ensure(a.heads >= 1 && a.heads * a.depth === channels, 'CqAttention', `heads · depth must be ${channels}`, [
      a.heads,
      a.depth,
    ]);
    ensure(a.probabilityKind === 'uniform', 'CqAttention', 'probabilityKind must be "uniform"', a.probabilityKind);
    ensure(
      a.probabilityBits >= 1 && a.probabilityBits <= 8,
      'CqAttention',
      'probabilityBits must be 1 to 8',
      a.probabilityBits,
    );
    ensureCodes('CqAttention', a.bits, a.zeroPoint);
    ensureCodes('CqAttention', a.logitBits, a.logitZeroPoint, 8);
    ensure(
      exponentials!.dtype === 'int32' && sizeOf(exponentials!.shape) === 256,
      'CqAttention',
      'exponentials must be int32 [256]',
      exponentials!.shape,
    );
    ensure(
      levels!.dtype === 'int32' && sizeOf(levels!.shape) === 2 ** a.probabilityBits,
      'CqAttention',
      `levels must be int32 [${2 ** a.probabilityBits}]`,
      levels!.shape,
    );
    if (mask) {
      ensure(
        mask.dtype === 'int32' && String(mask.shape) === String([batch, tokens]),
        'CqAttention',
        `mask must be int32 [${batch}, ${tokens}]`,
        mask.shape,
      );
    }
    ensure(tokens <= a.tokens, 'CqAttention', `tokens must be at most ${a.tokens}`, tokens);
  },
  output: ({ q }, attrs) => ({ dtype: codeType((attrs as AttentionAttrs).bits), shape: q!.shape }),
  reference({ q, k, v, exponentials, levels, mask }, attrs, output) {
    const a = attrs as AttentionAttrs;
    const [batch, tokens, channels] = q!.shape as [number, number, number];
    const { depth } = a;
    const [queries, keys, values] = [codesOf(q!), codesOf(k!), codesOf(v!)];
    const table = exponentials!.data as Int32Array;
    const decode = levels!.data as Int32Array;
    const keep = mask?.data as Int32Array | undefined;
    const logitMultiplier = Math.fround(a.logitMultiplier);
    const outputMultiplier = Math.fround(a.outputMultiplier);
    const inverse = Math.fround(1 / Math.fround(a.probabilityScale));
    const [logitLow, logitHigh] = codeRange(a.logitBits);
    const [, top] = codeRange(a.probabilityBits, false);
    const [low, high] = codeRange(a.bits);
    const logits = new Int32Array(tokens);
    const sums = new Int32Array(depth);

    for (let b = 0; b < batch; b++) {
      for (let head = 0; head < a.heads; head++) {
        const base = b * tokens * channels + head * depth;
        for (let i = 0; i < tokens; i++) {
          const query = base + i * channels;
          let max = logitLow;
          for (let j = 0; j < tokens; j++) {
            let sum = 0;
            for (let d = 0; d < depth; d++) sum += queries[query + d]! * keys[base + j * channels + d]!;
            const code = clamp(requantize(sum, logitMultiplier) + a.logitZeroPoint, logitLow, logitHigh);
            logits[j] = code;
            if (code > max && keep?.[b * tokens + j] !== 0) max = code;
          }
          let total = 0;
          for (let j = 0; j < tokens; j++) if (keep?.[b * tokens + j] !== 0) total += table[max - logits[j]!]!;
          const ratio = total === 0 ? 0 : Math.fround(inverse / Math.fround(total));
          sums.fill(0);
          for (let j = 0; j < tokens; j++) {
            if (keep?.[b * tokens + j] === 0) continue;
            const code = roundHalfEven(Math.fround(Math.fround(table[max - logits[j]!]!) * ratio));
            const level = decode[code > top ? top : code]!;
            for (let d = 0; d < depth; d++) sums[d] = sums[d]! + level * values[base + j * channels + d]!;
          }
          for (let d = 0; d < depth; d++) {
            output[query + d] = clamp(requantize(sums[d]!, outputMultiplier) + a.zeroPoint, low, high);
          }
        }
      }
    }
  },
};
