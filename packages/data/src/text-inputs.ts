import { CqError, type ArrayTensor, type Input } from '@cq/core';
import type { Tokenizer } from './tokenizer.ts';

/** How texts become inputs of a model. */
export interface TextInputsOptions {
  /** The model's tokenizer, from `loadTokenizer` or `parseTokenizer`. */
  readonly tokenizer: Tokenizer;
  /** The model's inputs: `input_ids` and, where it has them, `attention_mask` and `token_type_ids`. */
  readonly inputs: readonly Input[];
  /** Tokens after which a text is cut, the special ones included. Default: what the tokenizer says. */
  readonly maxLength?: number;
}

/** How texts become what a model takes. */
export interface TextInputs {
  encode(text: string): Int32Array;
  /** `[batch, tokens]` for each input, as long as the longest of the encoded texts or as the model demands. */
  stack(rows: readonly Int32Array[]): Readonly<Record<string, ArrayTensor>>;
}

/**
 * Texts as the inputs of a model.
 * @param name what errors call the place where the length is asked for, such as the file of the texts
 */
export function textInputs(name: string, { tokenizer, inputs, maxLength }: TextInputsOptions): TextInputs {
  const fixed = fixedLength(inputs, tokenizer);
  const longest = maxLengthOf(name, tokenizer, maxLength, fixed);
  return {
    encode: (text) => tokenizer.encode(text, longest),
    stack(rows) {
      const length = fixed ?? Math.max(...rows.map((ids) => ids.length));
      return Object.fromEntries(
        inputs.map((input) => [input.name, tensorOf(input.name, rows, length, tokenizer.padding)]),
      );
    },
  };
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

function maxLengthOf(name: string, tokenizer: Tokenizer, maxLength: number | undefined, fixed = Infinity): number {
  if (maxLength !== undefined && !(Number.isInteger(maxLength) && maxLength >= 1)) {
    throw new CqError(`${name}: maxLength must be a whole number from 1, got ${maxLength}`);
  }
  const length = Math.min(maxLength ?? tokenizer.maxLength ?? Infinity, fixed);
  if (length < Infinity) return length;
  throw new CqError(
    `${tokenizer.name}/tokenizer_config.json: "model_max_length" is needed to know where to cut a text, got nothing; write how many positions the model has`,
  );
}
