import { integers, type Draft } from './draft.ts';

/**
 * What is added to the logits of a token that does not count. exp(-10000) is zero in float32, as after the lowest number
 * of all, but this one fits in float16 too, and cannot overflow when a logit is added.
 */
const MASKED = -10_000;

/** 1 = look at the token, 0 = do not: int32 [batch, tokens] → float32 [batch, 1, 1, tokens], 0 and MASKED. */
export function attentionMask(draft: Draft, mask: string): string {
  const { graph } = draft;
  const constant = (name: string, value: number): string => graph.weight(name, [], Float32Array.of(value));
  const axis = integers(draft, `${mask}/axis`, [1], []);
  const float = graph.node(`${mask}/Cast`, 'Cast', [mask], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } });
  const dropped = graph.node(`${mask}/Sub`, 'Sub', [constant(`${mask}/one`, 1), float]);
  const bias = graph.node(`${mask}/Mul`, 'Mul', [dropped, constant(`${mask}/masked`, MASKED)]);
  const heads = graph.node(`${mask}/ExpandDims`, 'ExpandDims', [bias, axis]); // [batch, 1, tokens]
  return graph.node(`${mask}/ExpandDims_1`, 'ExpandDims', [heads, axis]);
}
