import { activation, layerNorm, linear, reshape, slice, type Activation, type Draft } from './draft.ts';
import type { Text } from './text.ts';
import { transpose } from './transpose.ts';

/** What reads the hidden state of a text encoder, by the names of its modules. */
export type TextHead = (FirstToken | Masked) & {
  /** Tensors of other heads that a checkpoint may carry along. */
  readonly ignored?: readonly string[];
};

/** classifier(act(dense(state of the first token))): [batch, labels] */
interface FirstToken {
  readonly kind: 'first-token';
  readonly dense: string;
  readonly activation: 'tanh' | 'relu';
  readonly classifier: string;
}

/** decoder(norm(act(dense(state)))): [batch, tokens, vocabulary] */
interface Masked {
  readonly kind: 'masked';
  readonly dense: string;
  /** Where it is not `hidden_act`. */
  readonly activation?: Activation;
  readonly norm: string;
  /** Its weight is that of the word embeddings unless `tie_word_embeddings` says no. */
  readonly decoder: string;
  /** The names of one tensor, which older versions stored twice. */
  readonly biases: readonly [string, ...string[]];
}

export function textHead(draft: Draft, model: Text, head: TextHead, x: string): void {
  if (head.kind === 'first-token') firstToken(draft, model, head, x);
  else masked(draft, model, head, x);
}

const moduleAt = (module: string): string => module.replaceAll('.', '/');

function firstToken(draft: Draft, { config, labels }: Text, head: FirstToken, x: string): void {
  const hidden = config.hidden_size;
  const row = slice(draft, 'first_token/Slice', x, [0, 0, 0], [-1, 1, -1]);
  const state = reshape(draft, 'first_token/Reshape', row, [-1, hidden]);
  const at = moduleAt(head.dense);
  const op = head.activation === 'tanh' ? 'Tanh' : 'Relu';
  const activated = draft.graph.node(`${at}/${op}`, op, [linear(draft, at, head.dense, state, [hidden, hidden])]);
  const { length } = labels;
  const logits = linear(draft, moduleAt(head.classifier), head.classifier, activated, [hidden, length]);
  draft.graph.output('logits', logits, [-1, length]);
}

function masked(draft: Draft, model: Text, head: Masked, x: string): void {
  const { graph, checkpoint } = draft;
  const { config } = model;
  const { hidden_size: hidden, vocab_size: vocabulary } = config;
  const at = moduleAt(head.dense);
  const kind = head.activation ?? config.hidden_act;
  const transformed = activation(draft, at, linear(draft, at, head.dense, x, [hidden, hidden]), kind);
  const state = layerNorm(draft, moduleAt(head.norm), head.norm, transformed, hidden, config.layer_norm_eps);
  const place = moduleAt(head.decoder);
  const product = graph.node(`${place}/MatMul`, 'MatMul', ...decoder(draft, model, head, state));
  const [name] = head.biases;
  const bias = graph.weight(name, [vocabulary], checkpoint.takeTied(head.biases, [vocabulary]));
  graph.output('logits', graph.node(`${place}/BiasAdd`, 'BiasAdd', [product, bias]), [-1, -1, vocabulary]);
}

/** The operands and attributes of the product with the vocabulary. Tied, it reads the embedding table as it lies. */
function decoder(
  { graph, checkpoint }: Draft,
  { config, row }: Text,
  head: Masked,
  state: string,
): [inputs: string[], attrs: { transpose_b?: boolean }] {
  const shape = [config.vocab_size, config.hidden_size] as const;
  const words = `${row.prefix}embeddings.word_embeddings.weight`;
  const name = `${head.decoder}.weight`;
  if (config.tie_word_embeddings) {
    checkpoint.takeTied([words, name], shape);
    return [[state, words], { transpose_b: true }];
  }
  const own = transpose(checkpoint.take(name, shape), ...shape);
  return [[state, graph.weight(name, [shape[1], shape[0]], own)], {}];
}
