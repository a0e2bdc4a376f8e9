import { z } from 'zod';
import type { Activation } from './draft.ts';
import { activationName, epsilon, flag, headsDivide, natural, positive } from './fields.ts';

/** The fields that the numbers of a text encoder depend on, under the names of BERT. */
export interface TextFields {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
  readonly max_position_embeddings: number;
  /** 0 where tokens have no types, 1 where all have the same. */
  readonly type_vocab_size: number;
  readonly pad_token_id: number;
  /** Whether the masked-language head multiplies by the word embeddings. */
  readonly tie_word_embeddings: boolean;
}

/** What the three kinds of config.json share, and how each says the rest. */
interface TextKind {
  readonly fields: z.ZodType<TextFields>;
  readonly unsupported: Readonly<Record<string, unknown>>;
  check(config: TextFields): true | string;
}

const common = {
  max_position_embeddings: positive.default(512),
  tie_word_embeddings: flag.default(true),
};

const bertFields = z.object({
  ...common,
  vocab_size: positive.default(30522),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: activationName.default('gelu'),
  layer_norm_eps: epsilon.default(1e-12),
  type_vocab_size: positive.default(2),
  pad_token_id: natural.nullable().default(0).transform((id) => id ?? 0), // prettier-ignore
});

export const bertKind: TextKind = {
  fields: bertFields,
  unsupported: { position_embedding_type: 'absolute' },
  check: headsDivide,
};

export const robertaKind: TextKind = {
  ...bertKind,
  fields: bertFields.extend({
    vocab_size: positive.default(50265),
    pad_token_id: natural.default(1), // the positions are counted from here
  }),
};

const distilbertFields = z
  .object({
    ...common,
    vocab_size: positive.default(30522),
    dim: positive.default(768),
    n_layers: positive.default(6),
    n_heads: positive.default(12),
    hidden_dim: positive.default(3072),
    activation: activationName.default('gelu'),
  })
  .transform(({ dim, n_layers, n_heads, hidden_dim, activation, ...rest }) => ({
    ...rest,
    hidden_size: dim,
    num_hidden_layers: n_layers,
    num_attention_heads: n_heads,
    intermediate_size: hidden_dim,
    hidden_act: activation,
    layer_norm_eps: 1e-12, // fixed in the model's code
    type_vocab_size: 0,
    pad_token_id: 0,
  }));

export const distilbertKind: TextKind = {
  fields: distilbertFields,
  unsupported: {
    position_embedding_type: 'absolute',
    // Hugging Face reads these as other names for dim, n_layers and n_heads.
    hidden_size: null,
    num_hidden_layers: null,
    num_attention_heads: null,
  },
  check: ({ hidden_size: dim, num_attention_heads: heads }) =>
    dim % heads === 0 || `dim must be a multiple of n_heads, got ${dim} and ${heads}`,
};
