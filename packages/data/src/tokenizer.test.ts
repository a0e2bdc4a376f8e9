import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import { loadTokenizer } from './load-tokenizer.ts';
import { parseTokenizer } from './tokenizer.ts';

interface Case {
  readonly maxLength: number;
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

/** Made with tokenizers and transformers by `test/golden/make-tokens.py`, the tokenizers too. */
const golden = join(__dirname, '../test/golden');
const goldens = readJson(join(golden, 'tokens.json')) as Record<string, Case[]>;
const folderOf = (name: string): string => join(golden, 'tokenizers', name);

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe.each(Object.keys(goldens))('%s', (name) => {
  test.each(goldens[name]!)('$maxLength tokens at most, as by Hugging Face', async ({ maxLength, texts }) => {
    const tokenizer = await loadTokenizer(folderOf(name));
    for (const { text, ids } of texts) expect([text, [...tokenizer.encode(text, maxLength)]]).toEqual([text, ids]);
  });
});

test('the files say how long a text may be, and what fills a short one', async () => {
  expect(await loadTokenizer(folderOf('wordpiece'))).toMatchObject({ maxLength: 24, padding: 0 });
  expect(await loadTokenizer(folderOf('byte-level'))).toMatchObject({ maxLength: 40, padding: 1 });
});

/** The WordPiece tokenizer with some fields replaced. */
function altered(tokenizer: Record<string, unknown>, config: Record<string, unknown> = {}) {
  const read = (file: string) => readJson(join(folderOf('wordpiece'), file)) as object;
  return {
    tokenizer: { ...read('tokenizer.json'), ...tokenizer },
    config: { ...read('tokenizer_config.json'), ...config },
  };
}

test('what older files leave out', () => {
  const files = altered({}, { pad_token: undefined, model_max_length: 1e30 });
  expect(parseTokenizer(files, 'm')).toMatchObject({ padding: 0 });
  expect(parseTokenizer(files, 'm')).not.toHaveProperty('maxLength');
  const cut = altered(
    { truncation: { max_length: 9, direction: 'Right' }, padding: { pad_token: '[UNK]' } },
    { pad_token: undefined, model_max_length: undefined },
  );
  expect(parseTokenizer(cut, 'm')).toMatchObject({ maxLength: 9, padding: 1 });
  expect(parseTokenizer(altered({}, { pad_token: { content: '[MASK]' } }), 'm').padding).toBe(4);
});

test('a tokenizer without special tokens', () => {
  const { encode } = parseTokenizer(altered({ post_processor: null }), 'm');
  const [first, ...more] = [...encode('the', 8)];
  expect(more).toEqual([]);
  expect([...parseTokenizer(altered({}), 'm').encode('the', 8)]).toEqual([2, first, 3]);
});

const model = { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##' };

test.each<[Record<string, unknown>, Record<string, unknown>, string]>([
  [
    { model: { type: 'WordLevel', vocab: {} } },
    {},
    'the type of its model must be WordPiece, BPE, Unigram, got "WordLevel"',
  ],
  [{ model: { vocab: { a: 0 } } }, {}, 'the type of its model must be'],
  [{ model: 7 }, {}, 'got 7'],
  [{ model: { ...model, vocab: null } }, {}, 'a tokenizer that can be built is expected, got "'],
  [{ normalizer: { type: 'Verse' } }, {}, 'got "Unknown Normalizer type: Verse"'],
  [{ pre_tokenizer: { type: 'FixedLength', length: 0 } }, {}, 'the pre-tokenizer FixedLength, which is not supported'],
  [{ pre_tokenizer: 5 }, {}, 'a tokenizer that can be built is expected'],
  [
    { post_processor: { type: 'TemplateProcessing', single: [] } },
    {},
    'got "a template that does not hold the text once"',
  ],
  [
    { post_processor: { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[END]', 3] } },
    {},
    'got "a special token without a number: [END]"',
  ],
  [
    { post_processor: { type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 1 } }] } },
    {},
    'got "token types other than 0: 1"',
  ],
  [{ added_tokens: undefined }, {}, '"added_tokens" must be a list of {id, content}, got nothing'],
  [{ added_tokens: [{ id: -1, content: 'x' }] }, {}, 'got {"id":-1,"content":"x"}'],
  [{ added_tokens: [{ id: 1, content: { length: 1e9 } }] }, {}, '"added_tokens" must be a list'],
  [{}, { model_max_length: 0 }, '"model_max_length" must be a whole number from 1, got 0; correct it'],
  [{}, { model_max_length: '64' }, 'got "64"'],
  [{}, { truncation_side: 'left' }, '"truncation_side" must be "right", got "left"'],
  [{ padding: { direction: 'Left' } }, {}, '"padding_side" must be "right", got "Left"'],
  [{}, { pad_token: '[NONE]' }, '"pad_token" must be a token of tokenizer.json, got "[NONE]"'],
  [{}, { pad_token: 3 }, '"pad_token" must be a token of tokenizer.json, got 3'],
])('%j with %j is refused', (tokenizer, config, message) => {
  const parse = () => parseTokenizer(altered(tokenizer, config), 'm');
  expect(parse).toThrow(CqError);
  expect(parse).toThrow(/^m\/tokenizer(_config)?\.json: [^\n]*$/);
  expect(parse).toThrow(message);
});

test('files that are no objects are refused', () => {
  expect(() => parseTokenizer({ tokenizer: [], config: {} }, 'm')).toThrow(
    'm/tokenizer.json: a JSON object is expected, got []',
  );
  expect(() => parseTokenizer({ tokenizer: {}, config: null }, 'm')).toThrow(
    'm/tokenizer_config.json: a JSON object is expected, got null',
  );
});

test('a text that does not fit between the special tokens, and a token without a number', () => {
  expect(() => parseTokenizer(altered({}), 'm').encode('the', 2)).toThrow(
    'm: the length must be more than 2, as so many tokens are special, got 2',
  );
  const { encode } = parseTokenizer(altered({ model: { ...model, unk_token: '[NONE]', vocab: {} } }), 'm');
  expect(() => encode('river', 8)).toThrow('every token must have a number, got undefined for "[NONE]"');
});

/** Tokenizers of models that are not part of this repository. */
const real = [
  {
    model: 'minilm-l6-sst2',
    text: 'It was unbelievably dry, n’est-ce pas?',
    ids: [101, 2009, 2001, 4895, 8671, 2666, 3567, 6321, 4318, 1010, 1050, 1521, 9765, 1011, 8292, 14674, 1029, 102],
  },
  {
    model: 'bengali-bert-mini',
    text: 'নদীর ধারে একটি ছোট বাড়ি আছে।',
    ids: [2, 5884, 2836, 313, 824, 1353, 4185, 709, 106, 3],
  },
] as const;

describe.each(real)('$model', ({ model: name, text, ids }) => {
  const folder = join(__dirname, '../../../../shared/models', name);
  const present = existsSync(folder);
  if (!present) process.stdout.write(`skipped: ${name} is not in ../shared/models/${name}\n`);
  (present ? test : test.skip)('has the tokens of Hugging Face', async () => {
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer).toMatchObject({ maxLength: 64, padding: 0 });
    expect([...tokenizer.encode(text, 64)]).toEqual(ids);
    expect([...tokenizer.encode(text.repeat(50), 64)]).toHaveLength(64);
  });
});
