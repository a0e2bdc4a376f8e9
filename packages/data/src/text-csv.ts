import { CqError, type ArrayTensor, type Batch, type Dataset, type Input } from '@cq/core';
import { chunks } from './chunks.ts';
import { classLabel } from './class-label.ts';
import { readTable } from './read-table.ts';
import { requested } from './requested.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface TextCsvOptions {
  /** The model's tokenizer, from `loadTokenizer`. */
  readonly tokenizer: Tokenizer;
  /** The model's inputs: `input_ids` and, where it has them, `attention_mask` and `token_type_ids`. */
  readonly inputs: readonly Input[];
  /** The model's class names by index; without them a label is a class index. */
  readonly labels?: readonly string[];
  /** Tokens after which a text is cut, the special ones included. Default: what the tokenizer says. */
  readonly maxLength?: number;
}

/**
 * The texts of a CSV file (`text,label`) as a dataset. Texts of similar length run together, so that little is padding:
 * a batch says in `indices` which examples it holds, and is as long as its longest text. All token ids are in memory.
 */
export async function textCsv(file: string, options: TextCsvOptions): Promise<Dataset> {
  const { tokenizer, inputs, labels } = options;
  const fixed = fixedLength(inputs, tokenizer);
  const maxLength = maxLengthOf(file, options, fixed);
  const rows = await readTable(file, ['text', 'label'], { trim: false });
  const examples = rows.map(({ line, cells }) => ({
    ids: tokenizer.encode(cells.text, maxLength),
    label: classLabel(cells.label.trim(), labels, `${file}: line ${line}: the label`),
  }));
  return {
    name: file,
    size: examples.length,
    batches(batchSize, indices) {
      const source = { name: file, size: examples.length, examples: 'texts' };
      const length = (index: number) => examples[index]!.ids.length;
      const byLength = [...requested(source, batchSize, indices)].sort((a, b) => length(a) - length(b)); // stable
      return stack(chunks(byLength, batchSize), examples, { inputs, fixed, padding: tokenizer.padding });
    },
  };
}

interface Example {
  readonly ids: Int32Array;
  readonly label: number;
}

interface Stacking {
  readonly inputs: readonly Input[];
  /** Tokens of every batch, where the model does not take any number. */
  readonly fixed: number | undefined;
  readonly padding: number;
}

async function* stack(
  batches: readonly (readonly number[])[],
  examples: readonly Example[],
  { inputs, fixed, padding }: Stacking,
): AsyncGenerator<Batch, void, undefined> {
  for (const indices of batches) {
    const rows = indices.map((index) => examples[index]!.ids);
    const length = fixed ?? Math.max(...rows.map((ids) => ids.length));
    yield {
      inputs: Object.fromEntries(inputs.map(({ name }) => [name, tensorOf(name, rows, length, padding)])),
      labels: indices.map((index) => examples[index]!.label),
      indices,
    };
  }
}

/** What an input holds where a text is; `input_ids` is the padding token elsewhere, the others are 0. */
const writers: Readonly<Record<string, (data: Int32Array, at: number, ids: Int32Array) => void>> = {
  input_ids: (data, at, ids) => data.set(ids, at),
  attention_mask: (data, at, ids) => data.fill(1, at, at + ids.length),
  token_type_ids: () => undefined, // a single text is of type 0
};

function tensorOf(input: string, rows: readonly Int32Array[], length: number, padding: number): ArrayTensor {
  const data = new Int32Array(rows.length * length).fill(input === 'input_ids' ? padding : 0); // [batch, tokens]
  for (const [row, ids] of rows.entries()) writers[input]!(data, row * length, ids);
  return { dtype: 'int32', shape: [rows.length, length], data };
}

/** The number of tokens that the model takes, or nothing if it takes any. */
function fixedLength(inputs: readonly Input[], { name: model }: Tokenizer): number | undefined {
  const known = Object.keys(writers);
  for (const { name, dtype, shape } of inputs) {
    if (Object.hasOwn(writers, name) && dtype === 'int32' && shape.length === 2) continue;
    throw new CqError(
      `${model}: the inputs of a model that reads text must be int32 [batch, tokens] and named ${known.join(', ')}, got "${name}" ${dtype} [${shape.join(', ')}]`,
    );
  }
  const ids = inputs.find(({ name }) => name === 'input_ids');
  if (!ids) throw new CqError(`${model}: a model that reads text must have an input "input_ids", got none`);
  return ids.shape[1]! < 0 ? undefined : ids.shape[1]!;
}

function maxLengthOf(file: string, { tokenizer, maxLength }: TextCsvOptions, fixed = Infinity): number {
  if (maxLength !== undefined && !(Number.isInteger(maxLength) && maxLength >= 1)) {
    throw new CqError(`${file}: maxLength must be a whole number from 1, got ${maxLength}`);
  }
  const length = Math.min(maxLength ?? tokenizer.maxLength ?? Infinity, fixed);
  if (length < Infinity) return length;
  throw new CqError(
    `${tokenizer.name}/tokenizer_config.json: "model_max_length" is needed to know where to cut a text, got nothing; write how many positions the model has`,
  );
}
