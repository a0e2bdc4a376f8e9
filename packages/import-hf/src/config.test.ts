import { architectures } from './architectures.ts';
import { parseConfig } from './config.ts';

const vit = { architectures: ['ViTForImageClassification'], model_type: 'vit' };

test('a config that says nothing more is ViT-Base as Hugging Face has it', () => {
  const { architecture, task, labels, fields } = parseConfig(vit);
  expect({ architecture, task, labels }).toEqual({
    architecture: 'ViTForImageClassification',
    task: 'image-classification',
    labels: ['LABEL_0', 'LABEL_1'],
  });
  expect(fields).toEqual({
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    image_size: [224, 224],
    patch_size: 16,
    num_channels: 3,
    qkv_bias: true,
  });
});

test('sides may be one number or two', () => {
  expect(parseConfig({ ...vit, image_size: [32, 64], patch_size: [8, 8] }).fields).toMatchObject({
    image_size: [32, 64],
    patch_size: 8,
  });
  expect(parseConfig({ ...vit, image_size: 32 }).fields).toMatchObject({ image_size: [32, 32] });
});

test('labels stand in the order of their indices, whatever the order in the file', () => {
  const id2label = JSON.parse(
    '{"10": "k", "2": "c", "0": "a", "1": "b", "3": "d", "4": "e", "5": "f", "6": "g", "7": "h", "8": "i", "9": "j"}',
  );
  expect(parseConfig({ ...vit, id2label }).labels.join('')).toBe('abcdefghijk');
  expect(parseConfig({ ...vit, num_labels: 3 }).labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2']);
  expect(parseConfig({ architectures: ['ViTModel'], model_type: 'vit' }).labels).toEqual([]);
});

test('fields that change nothing may say so', () => {
  const harmless = {
    quantization_config: null,
    pruned_heads: {},
    is_decoder: false,
    attention_probs_dropout_prob: 0.1,
  };
  expect(parseConfig({ ...vit, ...harmless }).fields).toEqual(parseConfig(vit).fields);
});

const supported = Object.keys(architectures).join(', ');

test.each<[Record<string, unknown>, string]>([
  [{ architectures: ['SwinBackbone'] }, `architecture "SwinBackbone" is not supported; supported are ${supported}`],
  [{ architectures: ['__proto__'] }, 'architecture "__proto__" is not supported'],
  [{ architectures: undefined }, `architectures must name one architecture, got undefined; supported are ${supported}`],
  [
    { architectures: ['ViTModel', 'DeiTModel'] },
    'architectures must name one architecture, got ["ViTModel","DeiTModel"]',
  ],
  [{ model_type: 'deit' }, 'model_type of ViTForImageClassification must be "vit", got "deit"'],
  [
    { hidden_act: 'quick_gelu' },
    'hidden_act must be gelu, gelu_new, gelu_pytorch_tanh, relu or silu, got "quick_gelu"',
  ],
  [
    { hidden_size: 100, num_attention_heads: 3 },
    'hidden_size must be a multiple of num_attention_heads, got 100 and 3',
  ],
  [{ hidden_size: 0 }, 'hidden_size must be a positive integer, got 0'],
  [{ num_hidden_layers: '12' }, 'num_hidden_layers must be a positive integer, got "12"'],
  [{ intermediate_size: 2.5 }, 'intermediate_size must be a positive integer, got 2.5'],
  [{ layer_norm_eps: -1 }, 'layer_norm_eps must be a positive number, got -1'],
  [{ qkv_bias: 'no' }, 'qkv_bias must be true or false, got "no"'],
  [{ image_size: 225 }, 'image_size must be a multiple of patch_size, got 225 × 225 and 16'],
  [{ image_size: [224, 230] }, 'image_size must be a multiple of patch_size, got 224 × 230 and 16'],
  [{ image_size: -16 }, 'image_size must be a positive integer or [height, width], got -16'],
  [{ image_size: [1, 2, 3] }, 'image_size must be a positive integer or [height, width], got [1,2,3]'],
  [{ patch_size: [16, 8] }, 'patch_size must be a positive integer, since patches are square, got [16,8]'],
  [{ patch_size: null }, 'patch_size must be a positive integer, since patches are square, got null'],
  [{ id2label: { 0: 'a', 2: 'c' } }, 'id2label must count from 0 to 1, got 0, 2; "1" is missing'],
  [{ id2label: {} }, 'id2label must name at least one class, got {}'],
  [{ id2label: ['a'] }, 'id2label must map "0", "1", … to class names, got ["a"]'],
  [{ id2label: { 0: 1 } }, 'id2label.0 must be a class name, got 1'],
  [{ id2label: { 0: 'a' }, num_labels: 2 }, 'num_labels must be the number of classes in id2label, got 2 and 1'],
  [{ quantization_config: { bits: 4 } }, 'quantization_config is not supported, got {"bits":4}'],
  [{ pruned_heads: { 0: [1] } }, 'pruned_heads is not supported, got {"0":[1]}'],
  [{ is_decoder: true }, 'is_decoder is not supported, got true'],
])('%j is refused', (change, message) => {
  expect(() => parseConfig({ ...vit, ...change }, 'm/config.json')).toThrow(`m/config.json: ${message}`);
});

test('text models: fields by their names in each kind of config, with its defaults', () => {
  const fieldsOf = (architecture: string, model_type: string, change: object = {}): unknown =>
    parseConfig({ architectures: [architecture], model_type, ...change }).fields;
  const base = { hidden_size: 768, num_attention_heads: 12, intermediate_size: 3072, hidden_act: 'gelu' };
  expect(fieldsOf('BertModel', 'bert')).toMatchObject({ ...base, num_hidden_layers: 12, type_vocab_size: 2 });
  expect(fieldsOf('RobertaModel', 'roberta')).toMatchObject({ ...base, vocab_size: 50265, pad_token_id: 1 });
  expect(fieldsOf('DistilBertModel', 'distilbert', { n_layers: 3, sinusoidal_pos_embds: true })).toMatchObject({
    ...base,
    num_hidden_layers: 3,
    type_vocab_size: 0,
    layer_norm_eps: 1e-12,
  });
  const { task, labels } = parseConfig({ architectures: ['BertForMaskedLM'], model_type: 'bert', num_labels: 2 });
  expect({ task, labels }).toEqual({ task: 'fill-mask', labels: [] });
});

test.each<[string, string, Record<string, unknown>, string]>([
  [
    'BertModel',
    'bert',
    { position_embedding_type: 'relative_key' },
    'position_embedding_type is not supported, got "relative_key"; it must be "absolute" or absent',
  ],
  [
    'RobertaModel',
    'roberta',
    { position_embedding_type: 'relative_key_query' },
    'position_embedding_type is not supported, got "relative_key_query"',
  ],
  ['BertForMaskedLM', 'bert', { is_decoder: true }, 'is_decoder is not supported, got true'],
  ['BertForMaskedLM', 'bert', { tie_word_embeddings: 'yes' }, 'tie_word_embeddings must be true or false, got "yes"'],
  [
    'BertModel',
    'bert',
    { hidden_act: 'mish' },
    'hidden_act must be gelu, gelu_new, gelu_pytorch_tanh, relu or silu, got "mish"',
  ],
  ['RobertaModel', 'roberta', { pad_token_id: null }, 'pad_token_id must be a non-negative integer, got null'],
  ['RobertaModel', 'bert', {}, 'model_type of RobertaModel must be "roberta", got "bert"'],
  ['DistilBertModel', 'distilbert', { dim: 10, n_heads: 3 }, 'dim must be a multiple of n_heads, got 10 and 3'],
  ['DistilBertModel', 'distilbert', { hidden_size: 32 }, 'hidden_size is not supported, got 32'],
  ['DistilBertModel', 'distilbert', { activation: 'tanh' }, 'activation must be gelu, '],
])('%s (%s) with %j is refused', (architecture, model_type, change, message) => {
  expect(() => parseConfig({ architectures: [architecture], model_type, ...change }, 'm/config.json')).toThrow(
    `m/config.json: ${message}`,
  );
});
