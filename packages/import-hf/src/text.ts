import { build } from '@cq/core';
import type { Draft } from './draft.ts';
import type { Family, Model } from './family.ts';
import { postNormBlock, type PostNormModules } from './post-norm.ts';
import { attentionMask } from './attention-mask.ts';
import { textEmbeddings, type Positions } from './text-embeddings.ts';
import { bertKind, distilbertKind, robertaKind, type TextFields } from './text-fields.ts';
import { textHead, type TextHead } from './text-head.ts';

export interface TextRow {
  /** In front of the names of all tensors but the head's. */
  readonly prefix: string;
  readonly blocks: PostNormModules;
  readonly positions: Positions;
  /** None: the model shows its hidden state. */
  readonly head?: TextHead;
}

export type Text = Model<TextFields, TextRow>;

/**
 * Text encoders with post-normalized blocks and absolute positions: embeddings, blocks under an attention mask, a head.
 * Nodes are named after the modules of Hugging Face, weights after its tensors. Batch and tokens vary from call to call.
 * Source: Devlin et al. 2019 (BERT), Liu et al. 2019 (RoBERTa), Sanh et al. 2019 (DistilBERT).
 */
function graph(model: Text) {
  const { config, row, checkpoint, metadata } = model;
  const draft: Draft = { graph: build(), checkpoint };
  const ids = draft.graph.input('input_ids', 'int32', [-1, -1]);
  const mask = attentionMask(draft, draft.graph.input('attention_mask', 'int32', [-1, -1]));
  let x = textEmbeddings(draft, row.prefix, ids, config, row.positions); // [batch, tokens, hidden]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    x = postNormBlock(draft, row.prefix, layer, x, mask, config, row.blocks);
  }
  if (row.head) textHead(draft, model, row.head, x);
  else draft.graph.output('last_hidden_state', x, [-1, -1, config.hidden_size]);
  checkpoint.finish([...ignored.map((name) => row.prefix + name), ...(row.head?.ignored ?? [])]);
  return draft.graph.graph(metadata);
}

/** Tensors that no output here depends on: a pooler that nothing reads, and counters that older versions stored. */
const ignored: readonly string[] = [
  'pooler.dense.weight',
  'pooler.dense.bias',
  'embeddings.position_ids',
  'embeddings.token_type_ids',
];

export const bert: Family<TextFields, TextRow> = { ...bertKind, graph };
export const roberta: Family<TextFields, TextRow> = { ...robertaKind, graph };
export const distilbert: Family<TextFields, TextRow> = { ...distilbertKind, graph };
