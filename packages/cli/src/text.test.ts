import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cq } from './testing/cq.ts';
import { temporaryFolder } from './testing/tiny.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const folder = temporaryFolder();
const model = join(folder, 'model');
const texts = join(folder, 'texts.csv');

/** A BERT of 99 tokens and six classes, with a tokenizer of fewer. */
beforeAll(() => {
  mkdirSync(model);
  for (const file of ['config.json', 'model.safetensors'])
    cpSync(at(`test/fixtures/parity/bert/${file}`), join(model, file));
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'good', 'bad', 'film', 'very', '!', '.', ','];
  const special = (content: string) => ({ id: words.indexOf(content), content, special: true });
  const tokenizer = {
    version: '1.0',
    added_tokens: words
      .slice(0, 4)
      .map((content) => ({ ...special(content), single_word: false, lstrip: false, rstrip: false, normalized: false })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
  writeFileSync(join(model, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(
    join(model, 'tokenizer_config.json'),
    JSON.stringify({
      tokenizer_class: 'BertTokenizer',
      model_max_length: 40,
      pad_token: '[PAD]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      unk_token: '[UNK]',
    }),
  );
  const rows = Array.from(
    { length: 12 },
    (_, i) => `${'very '.repeat(i % 5)}${i % 2 ? 'good' : 'bad'} film${'!'.repeat(i % 3)},${i % 6}`,
  );
  writeFileSync(texts, ['text,label', ...rows].join('\n'));
});

test('a text model is compressed, carries its tokenizer along, and is evaluated like the float one', async () => {
  const out = join(folder, 'int8');
  const compressed = await cq('compress', model, '--recipe', 'int8', '--calibration', texts, '--out', out, '--json');
  expect(compressed.stderr).toBe('');
  expect(compressed.code).toBe(0);
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['model.json', 'tokenizer.json', 'tokenizer_config.json']));
  const { code, stdout } = await cq('eval', out, '--data', texts, '--allow-overlap', '--reference', model, '--json');
  expect(code).toBe(0);
  const evaluation = JSON.parse(stdout) as Record<string, number>;
  expect(evaluation).toMatchObject({ metric: 'top-1', count: 12 });
  expect(evaluation['agreement']).toBeGreaterThan(0.9);
  expect(evaluation['kl']).toBeLessThan(0.01);
});

test('texts that the model was calibrated with are refused, whatever their spaces', async () => {
  const spaced = join(folder, 'spaced.csv');
  writeFileSync(spaced, 'text,label\na new film,0\n"  bad\tfilm ",0\n');
  const { code, stderr } = await cq('eval', join(folder, 'int8'), '--data', spaced);
  expect(code).toBe(1);
  expect(stderr).toContain(`got 1 that both have, the first line 3 of ${spaced}:`);
});

test('both backends give the same bits', async () => {
  const digests: string[] = [];
  for (const backend of ['wasm', 'cpu']) {
    const { stdout } = await cq(
      'eval',
      join(folder, 'int8'),
      '--data',
      texts,
      '--allow-overlap',
      '--backend',
      backend,
      '--json',
    );
    digests.push((JSON.parse(stdout) as { logitsSha256: string }).logitsSha256);
  }
  expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(digests[1]).toBe(digests[0]);
});

test('a label that is not in the model is one line with its place', async () => {
  const wrong = join(folder, 'wrong.csv');
  writeFileSync(wrong, 'text,label\na film,0\na film,9\n');
  const { code, stderr } = await cq('eval', model, '--data', wrong);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^[^\n]*wrong\.csv: line 3: the label[^\n]*9[^\n]*\n$/);
});
