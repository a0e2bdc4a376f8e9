import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CqError, type Batch, type Dataset, type Input } from '@cq/core';
import { sample } from './sample.ts';
import { textCsv, type TextCsvOptions } from './text-csv.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A token per character, its code, between 1 and 2. */
const letters: Tokenizer = {
  name: 'model',
  maxLength: 6,
  padding: 9,
  encode: (text, length) => Int32Array.from([1, ...[...text].map((c) => c.charCodeAt(0)).slice(0, length - 2), 2]),
};

const input = (name: string, shape = [-1, -1]): Input => ({ name, dtype: 'int32', shape });
const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => input(name));
const labels = ['sad', 'glad'];

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'cq-text-'))));
afterEach(() => rm(folder, { recursive: true }));

async function read(csv: string, options: Partial<TextCsvOptions> = {}): Promise<Dataset> {
  const file = join(folder, 'data.csv');
  await writeFile(file, csv);
  return textCsv(file, { tokenizer: letters, inputs, labels, ...options });
}

async function collect(dataset: Dataset, batchSize: number, indices?: readonly number[]): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of dataset.batches(batchSize, indices)) batches.push(batch);
  return batches;
}

async function refusal(csv: string, options: Partial<TextCsvOptions> = {}): Promise<string> {
  const error: unknown = await read(csv, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CqError);
  return (error as CqError).message.replaceAll(folder, '.');
}

const [a, b, c] = [...'abc'].map((letter) => letter.charCodeAt(0)) as [number, number, number];

test('a batch is as long as its longest text; the rest is padding, which the mask leaves out', async () => {
  const dataset = await read('text,label\nabc,glad\na,sad\n');
  expect([dataset.name, dataset.size]).toEqual([join(folder, 'data.csv'), 2]);
  expect(await collect(dataset, 2)).toEqual([
    {
      inputs: {
        input_ids: { dtype: 'int32', shape: [2, 5], data: Int32Array.of(1, a, 2, 9, 9, 1, a, b, c, 2) },
        attention_mask: { dtype: 'int32', shape: [2, 5], data: Int32Array.of(1, 1, 1, 0, 0, 1, 1, 1, 1, 1) },
        token_type_ids: { dtype: 'int32', shape: [2, 5], data: new Int32Array(10) },
      },
      labels: [0, 1],
      indices: [1, 0],
    },
  ]);
});

test('texts of similar length run together, the shortest first, equal ones in order', async () => {
  const dataset = await read('text,label\naaaa,0\na,1\naaa,0\n,1\na,0\n');
  const groups = async (...request: [number, number[]?]) =>
    (await collect(dataset, ...request)).map(({ indices, labels: classes, inputs: { input_ids: ids } }) => [
      indices,
      classes,
      ids!.shape,
    ]);
  expect(await groups(2)).toEqual([
    [
      [3, 1],
      [1, 1],
      [2, 3],
    ],
    [
      [4, 2],
      [0, 0],
      [2, 5],
    ],
    [[0], [0], [1, 6]],
  ]);
  expect(await groups(2)).toEqual(await groups(2));
  expect(await groups(3, [0, 4, 1, 0])).toEqual([
    [
      [4, 1, 0],
      [0, 1, 0],
      [3, 6],
    ],
    [[0], [0], [1, 6]],
  ]);
});

test('a byte order mark, CRLF, quotes, line breaks, empty lines, other columns', async () => {
  const csv = '\uFEFFid,text,label\r\n7,"a, ""b""\r\nc", glad \r\n\r\n8, a ,1\r\n';
  const dataset = await read(csv, { tokenizer: { ...letters, maxLength: 99 } });
  const batches = await collect(dataset, 1);
  const texts = batches.map(({ inputs: { input_ids: ids } }) => String.fromCharCode(...ids!.data.slice(1, -1)));
  expect(texts).toEqual([' a ', 'a, "b"\r\nc']); // no space is dropped: some tokenizers count them
  expect(batches.map(({ labels: classes }) => classes)).toEqual([[1], [1]]);
});

test('a text is cut at maxLength, at what the tokenizer says, or at what the model takes', async () => {
  const lengthOf = async (options: Partial<TextCsvOptions>) => {
    const [batch] = await collect(await read('text,label\nabcabcabc,0\n', options), 1);
    return batch!.inputs['input_ids']!.shape[1];
  };
  expect(await lengthOf({})).toBe(6);
  expect(await lengthOf({ maxLength: 4 })).toBe(4);
  expect(await lengthOf({ maxLength: 8 })).toBe(8);
  expect(await lengthOf({ inputs: [input('input_ids', [-1, 5])] })).toBe(5);
  const { maxLength: _, ...endless } = letters;
  expect(await lengthOf({ tokenizer: endless, inputs: [input('input_ids', [-1, 7])] })).toBe(7);
  expect(await refusal('text,label\na,0\n', { tokenizer: endless })).toBe(
    'model/tokenizer_config.json: "model_max_length" is needed to know where to cut a text, got nothing; write how many positions the model has',
  );
  expect(await refusal('text,label\na,0\n', { maxLength: 0.5 })).toBe(
    './data.csv: maxLength must be a whole number from 1, got 0.5',
  );
});

test('a model of one length gets it, whatever the texts', async () => {
  const dataset = await read('text,label\na,0\n', { inputs: [input('input_ids', [-1, 5])] });
  expect(await collect(dataset, 8)).toEqual([
    {
      inputs: { input_ids: { dtype: 'int32', shape: [1, 5], data: Int32Array.of(1, a, 2, 9, 9) } },
      labels: [0],
      indices: [0],
    },
  ]);
});

test('a sample names its examples by their places in it', async () => {
  const chosen = sample(await read('text,label\naaaa,0\naaa,1\naa,0\na,1\n'), 3, 1);
  const batches = await collect(chosen, 2);
  expect(batches.flatMap(({ indices }) => indices)).toEqual([2, 1, 0]);
});

test('without class names a label is an index', async () => {
  const csv = 'text,label\na,1\nb,5\n';
  const { labels: _, ...unnamed } = { tokenizer: letters, inputs, labels };
  const file = join(folder, 'plain.csv');
  await writeFile(file, csv);
  const [batch] = await collect(await textCsv(file, unnamed), 2);
  expect(batch!.labels).toEqual([1, 5]);
});

test.each([
  ['', 'a column "text" is expected, got ""; begin it with "text,label"'],
  ['text,class\na,0\n', 'a column "label" is expected, got "text,class"; begin it with "text,label"'],
  ['text,label\n', 'at least one row is expected, got none; add lines "text,label"'],
  [
    'text,label\na,glad\nb,mad\n',
    `line 3: the label must be one of the model's 2 classes ("sad", "glad"), got "mad"; write one of them or its index`,
  ],
  ['text,label\na,2\n', 'line 2: the label must be from 0 to 1, as the model has 2 classes, got 2'],
  ['text,label\na,\n', `line 2: the label must be one of the model's 2 classes ("sad", "glad"), got ""`],
  ['text,label\na,glad,b\n', 'not a table that can be read, got "Invalid Record Length'],
  ['text,label\n"a,glad\n', 'not a table that can be read, got "Quote Not Closed'],
])('%j is refused', async (csv, message) => {
  const refused = await refusal(csv);
  expect(refused).toMatch(/^\.\/data\.csv: [^\n]*$/);
  expect(refused).toContain(message);
});

test('a file that is not there is refused', async () => {
  const options = { tokenizer: letters, inputs };
  await expect(textCsv(join(folder, 'none.csv'), options)).rejects.toThrow(/none\.csv: not a table .*ENOENT/);
});

test.each([
  [[input('pixel_values', [-1, 3, 8, 8])], 'got "pixel_values" int32 [-1, 3, 8, 8]'],
  [[input('input_ids', [-1])], 'got "input_ids" int32 [-1]'],
  [[{ ...input('input_ids'), dtype: 'float32' as const }], 'got "input_ids" float32 [-1, -1]'],
  [[input('attention_mask')], 'must have an input "input_ids", got none'],
])('a model with the inputs %j does not read text', async (given, message) => {
  expect(await refusal('text,label\na,0\n', { inputs: given })).toContain(message);
});

test('what is no batch size or no index is refused at once', async () => {
  const dataset = await read('text,label\na,0\n');
  expect(() => dataset.batches(0)).toThrow('the batch size must be a whole number from 1, got 0');
  expect(() => dataset.batches(1, [1])).toThrow('an index must be from 0 to 0, as it has 1 texts, got 1');
});
