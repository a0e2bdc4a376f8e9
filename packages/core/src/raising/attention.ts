import type { Node } from '../graph.ts';
import type { AttentionAttrs } from '../runtime/attention.ts';
import type { QuantizeAttrs } from '../runtime/quantize.ts';
import type { Writer } from './writer.ts';

/** What attention ops say in different words. */
interface RaisedAttention extends Pick<
  AttentionAttrs,
  'heads' | 'depth' | 'biased' | 'windows' | 'masked' | 'queryScale' | 'keyScale' | 'factor'
> {
  readonly logit: QuantizeAttrs;
  /** Puts their quantizer on the probabilities. */
  probabilities(softmax: string): string;
  readonly output: QuantizeAttrs;
}

export function raiseAttention({ inputs }: Node, write: Writer, a: RaisedAttention): void {
  const [q, k, v] = inputs as [string, string, string];
  const shape = { heads: a.heads, depth: a.depth, tokens: -1 };
  const products = write.part('logits', 'AttentionLogits', [q, k], { ...shape, factor: a.factor });
  const biased = a.biased ? write.part('biased', 'AddV2', [products, floatBias(5, a, write)]) : products;
  const logits = write.quantizer('logit_codes', biased, a.logit);
  const seen = a.windows > 0 ? withoutUnseen(a.biased ? 6 : 5, logits, a, write) : logits;
  const masked = a.masked ? write.part('masked', 'AddV2', [seen, additiveMask(inputs.at(-1)!, write)]) : seen;
  const probabilities = a.probabilities(write.part('softmax', 'Softmax', [masked]));
  write.quantizer(undefined, write.part('context', 'AttentionContext', [probabilities, v], shape), a.output);
}

export function uniformCodes(softmax: string, a: AttentionAttrs, write: Writer): string {
  const codes = { bits: a.probabilityBits, scale: a.probabilityScale, zeroPoint: 0 };
  return write.quantizer('probability_codes', softmax, codes, false);
}

/** Other kinds as a codebook: the levels are counts of a unit. */
export function cells(softmax: string, a: AttentionAttrs, write: Writer): string {
  const unit = (a.outputMultiplier * a.outputScale) / (a.probabilityScale * a.valueScale);
  const levels = Float32Array.from(write.data(4), (level) => level * unit);
  const boundaries = write.data(5 + Number(a.biased) + Number(a.windows > 0));
  return write.codebook(softmax, a.probabilityBits, a.probabilityScale, levels, boundaries as Float32Array);
}

/** The bias of the logits, from units of the products to numbers. */
function floatBias(index: number, { heads, queryScale, keyScale, factor }: RaisedAttention, write: Writer): string {
  const units = write.data(index);
  const tokens = Math.sqrt(units.length / heads);
  const bias = Float32Array.from(units, (value) => value * queryScale * keyScale * factor);
  return write.constant('decoded_bias', [heads, tokens, tokens], bias);
}

/** Takes 10000 from the logits of keys that a query of its window does not look at. */
function withoutUnseen(index: number, logits: string, { heads, windows }: RaisedAttention, write: Writer): string {
  const visible = write.data(index);
  const tokens = Math.sqrt(visible.length / windows);
  const mask = Float32Array.from(visible, (sees) => (sees === 0 ? -10_000 : 0));
  const shape = (part: string, sizes: readonly number[]): string =>
    write.constant(part, [sizes.length], Int32Array.from(sizes));
  const stored = write.constant('windows/mask', [windows, 1, tokens, tokens], mask);
  const apart = write.part('windows/apart', 'Reshape', [
    logits,
    shape('windows/split', [-1, windows, heads, tokens, tokens]),
  ]);
  const sum = write.part('windows/masked', 'AddV2', [apart, stored]);
  return write.part('windows/together', 'Reshape', [sum, shape('windows/join', [-1, heads, tokens, tokens])]);
}

/** 1 = keep, int32 [batch, tokens] → 0 and −10000, float32 [batch, 1, 1, tokens]. */
function additiveMask(mask: string, write: Writer): string {
  const float = { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } };
  const kept = write.part('mask/cast', 'Cast', [mask], float);
  const dropped = write.part('mask/sub', 'Sub', [write.constant('mask/one', [], Float32Array.of(1)), kept]);
  const bias = write.part('mask/mul', 'Mul', [dropped, write.constant('mask/masked', [], Float32Array.of(-10_000))]);
  const axis = write.constant('mask/axis', [], Int32Array.of(1));
  return write.part('mask/heads', 'ExpandDims', [write.part('mask/queries', 'ExpandDims', [bias, axis]), axis]);
}
