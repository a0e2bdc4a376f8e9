import type { Tensor } from './safetensors.ts';
import {
  expectClose,
  fixture,
  graphOf,
  noise,
  renamed,
  run,
  type Fixture,
  type Json,
  type Tensors,
} from './testing/fixture.ts';

const ids = (rows: readonly (readonly number[])[]): Tensor => ({
  shape: [rows.length, rows[0]!.length],
  data: Int32Array.from(rows.flat()),
});

/** Inputs of a fixture as they were given to Transformers. */
const inputsOf = ({ expected }: Fixture): Record<string, Tensor> =>
  Object.fromEntries(
    [...expected].flatMap(([name, tensor]) => (name.startsWith('input.') ? [[name.slice(6), tensor]] : [])),
  );

/** BERT's tensors under other names, without its classifier. */
const encoder = (tensors: Tensors, prefix: string): Map<string, Tensor> =>
  renamed(tensors, (name) => (name.startsWith('bert.') ? name.replace('bert.', prefix) : undefined));

test('the signature is that of Hugging Face', async () => {
  const bert = await fixture('bert');
  const graph = graphOf(bert.json, bert.tensors);
  expect(graph.inputs).toEqual(
    ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({ name, dtype: 'int32', shape: [-1, -1] })),
  );
  expect(graph.outputs).toMatchObject([{ name: 'logits', shape: [-1, 6] }]);
  const distilbert = await fixture('distilbert');
  const { inputs } = graphOf(distilbert.json, distilbert.tensors);
  expect(inputs.map(({ name }) => name)).toEqual(['input_ids', 'attention_mask']);
});

test.each(['bert', 'distilbert'])('%s: a text alone has the logits that it has in a padded batch', async (name) => {
  const given = await fixture(name);
  const inputs = inputsOf(given);
  const length = 11; // of the second text, which Transformers saw with 6 tokens of padding
  const alone = Object.fromEntries(
    Object.entries(inputs).map(([input, { data }]) => [input, ids([[...data.slice(17, 17 + length)]])]),
  );
  const logits = await run(graphOf(given.json, given.tensors), alone, 'logits');
  expectClose(logits, given.expected.get('output.logits')!.data.slice(6));
});

test('RoBERTa is BERT with another head, and positions counted from behind the padding', async () => {
  const bert = await fixture('bert');
  const { json, tensors, expected } = bert;
  const roberta = encoder(tensors, 'roberta.');
  for (const end of ['weight', 'bias']) {
    roberta.set(`classifier.dense.${end}`, tensors.get(`bert.pooler.dense.${end}`)!);
    roberta.set(`classifier.out_proj.${end}`, tensors.get(`classifier.${end}`)!);
  }
  // The same rows, from padding + 1 = 1 on: padding is 0 here.
  const rows = tensors.get('bert.embeddings.position_embeddings.weight')!.data as Float32Array;
  const moved = Float32Array.of(...noise([32], 1).data, ...rows.subarray(0, 39 * 32));
  roberta.set('roberta.embeddings.position_embeddings.weight', { shape: [40, 32], data: moved });
  const config = { ...json, architectures: ['RobertaForSequenceClassification'], model_type: 'roberta' };
  const graph = graphOf(config, roberta);
  expectClose(await run(graph, inputsOf(bert), 'logits'), expected.get('output.logits')!.data);

  // Padding in front does not move the positions of the text behind it.
  const [text, types] = ['input.input_ids', 'input.token_type_ids'].map((name) =>
    expected.get(name)!.data.slice(17, 28),
  );
  const padded = {
    input_ids: ids([[0, 0, ...text!]]),
    token_type_ids: ids([[0, 0, ...types!]]),
    attention_mask: ids([[0, 0, ...text!.map(() => 1)]]),
  };
  const states = await run(graph, padded, 'encoder/layer.2/output/LayerNorm/LayerNorm');
  expectClose(states.slice(64), expected.get('hidden.3')!.data.slice(17 * 32, 28 * 32));
});

test('one type for all tokens needs no input', async () => {
  const bert = await fixture('bert');
  const inputs = inputsOf(bert);
  const types = bert.tensors.get('bert.embeddings.token_type_embeddings.weight')!;
  const one = new Map(bert.tensors);
  one.set('bert.embeddings.token_type_embeddings.weight', { shape: [1, 32], data: types.data.slice(0, 32) });
  const graph = graphOf({ ...bert.json, type_vocab_size: 1 }, one);
  expect(graph.inputs.map(({ name }) => name)).toEqual(['input_ids', 'attention_mask']);
  const zeros = { ...inputs, token_type_ids: ids([0, 1].map(() => Array<number>(17).fill(0))) };
  expectClose(await run(graph, inputs, 'logits'), await run(graphOf(bert.json, bert.tensors), zeros, 'logits'), 5);
});

/** decoder(norm(gelu(dense(state)))) by its definition; erf through a sum that converges fast enough here. */
function maskedLogits(states: ArrayLike<number>, dense: Tensor, words: Tensor): number[] {
  const erf = (x: number): number => {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  };
  const times = (x: readonly number[], { shape, data }: Tensor): number[] =>
    Array.from({ length: shape[0]! }, (_, n) => x.reduce((sum, value, k) => sum + value * data[n * 32 + k]!, 0));
  return Array.from({ length: states.length / 32 }, (_, row) => {
    const x = Array.from({ length: 32 }, (_, i) => states[row * 32 + i]!);
    const y = times(x, dense).map((value) => 0.5 * value * (1 + erf(value / Math.SQRT2)));
    const mean = y.reduce((sum, value) => sum + value, 0) / 32;
    const variance = y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 32;
    const normalized = y.map((value) => (value - mean) / Math.sqrt(variance + 1e-12));
    return times(normalized, words).map((value, word) => value + word / 100);
  }).flat();
}

describe.each<
  [string, string, { from: string; prefix: string; dense: string; norm: string; decoder: string; bias: string }]
>([
  [
    'BertForMaskedLM',
    'bert',
    {
      from: 'bert',
      prefix: 'bert.',
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      decoder: 'cls.predictions.decoder',
      bias: 'cls.predictions.bias',
    },
  ],
  [
    'RobertaForMaskedLM',
    'roberta',
    {
      from: 'bert',
      prefix: 'roberta.',
      dense: 'lm_head.dense',
      norm: 'lm_head.layer_norm',
      decoder: 'lm_head.decoder',
      bias: 'lm_head.bias',
    },
  ],
  [
    'DistilBertForMaskedLM',
    'distilbert',
    {
      from: 'distilbert',
      prefix: 'distilbert.',
      dense: 'vocab_transform',
      norm: 'vocab_layer_norm',
      decoder: 'vocab_projector',
      bias: 'vocab_projector.bias',
    },
  ],
])('%s', (architecture, model_type, { from, prefix, dense, norm, decoder, bias }) => {
  const dependent = { shape: [32, 32], data: noise([32, 32], 2, 0.3).data };
  async function masked(): Promise<{ given: Fixture; json: Json; tensors: Map<string, Tensor>; words: Tensor }> {
    const given = await fixture(from);
    const tensors = new Map([
      ...renamed(given.tensors, (name) => (name.startsWith(`${from}.`) ? name.replace(`${from}.`, prefix) : undefined)),
    ]);
    tensors.set(`${dense}.weight`, dependent);
    tensors.set(`${dense}.bias`, { shape: [32], data: new Float32Array(32) });
    tensors.set(`${norm}.weight`, { shape: [32], data: new Float32Array(32).fill(1) });
    tensors.set(`${norm}.bias`, { shape: [32], data: new Float32Array(32) });
    tensors.set(bias, { shape: [99], data: Float32Array.from({ length: 99 }, (_, i) => i / 100) });
    const words = tensors.get(`${prefix}embeddings.word_embeddings.weight`)!;
    return { given, json: { ...given.json, architectures: [architecture], model_type }, tensors, words };
  }
  const last =
    model_type === 'distilbert' ? 'transformer/layer.2/output_layer_norm' : 'encoder/layer.2/output/LayerNorm';

  test('multiplies by the word embeddings, which are stored once', async () => {
    const { given, json, tensors, words } = await masked();
    const graph = graphOf(json, tensors);
    expect(graph.outputs).toMatchObject([{ name: 'logits', shape: [-1, -1, 99] }]);
    expect([...graph.weights.values()].filter(({ data }) => data.length === 99 * 32)).toHaveLength(1);
    const states = await run(graph, inputsOf(given), `${last}/LayerNorm`);
    expectClose(await run(graph, inputsOf(given), 'logits'), maskedLogits(states, dependent, words));
  });

  test('a decoder of its own is one only if the config says so', async () => {
    const { given, json, tensors, words } = await masked();
    const tied = graphOf(json, tensors);
    tensors.set(`${decoder}.weight`, words);
    expect(graphOf(json, tensors).weights.size).toBe(tied.weights.size);
    const own = noise([99, 32], 3);
    tensors.set(`${decoder}.weight`, own);
    expect(() => graphOf(json, tensors)).toThrow(
      `m: tensor "${decoder}.weight" must equal "${prefix}embeddings.word_embeddings.weight", to which config.json ties it, got another value at index 0`,
    );
    const graph = graphOf({ ...json, tie_word_embeddings: false }, tensors);
    const states = await run(graph, inputsOf(given), `${last}/LayerNorm`);
    expectClose(await run(graph, inputsOf(given), 'logits'), maskedLogits(states, dependent, own));
    tensors.delete(`${decoder}.weight`);
    expect(() => graphOf({ ...json, tie_word_embeddings: false }, tensors)).toThrow(
      `m: tensor "${decoder}.weight" of shape [99, 32] must be there by config.json, got no such tensor`,
    );
  });
});

test.each([
  ['bert', 'BertModel', 'bert.'],
  ['distilbert', 'DistilBertModel', 'distilbert.'],
])('%s as %s shows its hidden state', async (name, architecture, prefix) => {
  const given = await fixture(name);
  const plain = renamed(given.tensors, (each) => (each.startsWith(prefix) ? each.replace(prefix, '') : undefined));
  plain.set('embeddings.position_ids', { shape: [1, 40], data: new Int32Array(40) }); // older versions stored it
  const graph = graphOf({ ...given.json, architectures: [architecture] }, plain);
  expect(graph.outputs).toMatchObject([{ name: 'last_hidden_state', shape: [-1, -1, 32] }]);
  expectClose(await run(graph, inputsOf(given), 'last_hidden_state'), given.expected.get('hidden.3')!.data);
});

test('gamma and beta are the old names of weight and bias', async () => {
  const bert = await fixture('bert');
  const old = renamed(bert.tensors, (name) =>
    name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
  );
  expect(old.has('bert.embeddings.LayerNorm.gamma')).toBe(true);
  const graph = graphOf(bert.json, old);
  expectClose(await run(graph, inputsOf(bert), 'logits'), bert.expected.get('output.logits')!.data);
});

test.each([
  ['gelu', 'Gelu', { approximate: false }],
  ['gelu_new', 'Gelu', { approximate: true }],
  ['gelu_pytorch_tanh', 'Gelu', { approximate: true }],
  ['relu', 'Relu', {}],
  ['silu', 'Sigmoid', {}],
])('activation %s', async (activation, op, attrs) => {
  const { json, tensors } = await fixture('distilbert');
  const node = graphOf({ ...json, activation }, tensors).nodes.get(`transformer/layer.0/ffn/lin1/${op}`);
  expect(node).toMatchObject({ op, attrs });
});

test('tensors of another shape, missing or left over are named', async () => {
  const { json, tensors } = await fixture('bert');
  expect(() => graphOf({ ...json, num_hidden_layers: 2 }, tensors)).toThrow(/got "bert\.encoder\.layer\.2\..*" and 15/);
  expect(() => graphOf({ ...json, max_position_embeddings: 39 }, tensors)).toThrow(
    'tensor "bert.embeddings.position_embeddings.weight" must have shape [39, 32] by config.json, got [40, 32]',
  );
  expect(() => graphOf({ ...json, architectures: ['BertModel'] }, tensors)).toThrow(
    'tensor "embeddings.word_embeddings.weight" of shape [99, 32] must be there',
  );
});
