import type { Batch, Content, Dataset } from '@cq/core';
import { chunks } from './chunks.ts';
import { classLabel } from './class-label.ts';
import { textDigest } from './content.ts';
import { readTable } from './read-table.ts';
import { requested } from './requested.ts';
import { textInputs, type TextInputs, type TextInputsOptions } from './text-inputs.ts';

/** How a table of texts is read. */
export interface TextCsvOptions extends TextInputsOptions {
  /** The model's class names by index; without them a label is a class index. */
  readonly labels?: readonly string[];
}

/**
 * The texts of a CSV file (`text,label`) as a dataset. Texts of similar length run together, so that little is padding:
 * a batch says in `indices` which examples it holds, and is as long as its longest text. All token ids are in memory.
 */
export async function textCsv(file: string, options: TextCsvOptions): Promise<Dataset> {
  const { labels } = options;
  const { encode, stack } = textInputs(file, options);
  const rows = await readTable(file, ['text', 'label'], { trim: false });
  const examples = rows.map(({ line, cells }) => ({
    ids: encode(cells.text),
    label: classLabel(cells.label.trim(), labels, `${file}: line ${line}: the label`),
  }));
  const source = { name: file, size: examples.length, examples: 'texts' };
  return {
    name: file,
    size: examples.length,
    contents: (indices) => contentsOf(file, requested(source, 1, indices)),
    batches(batchSize, indices) {
      const length = (index: number) => examples[index]!.ids.length;
      const byLength = [...requested(source, batchSize, indices)].sort((a, b) => length(a) - length(b)); // stable
      return batchesOf(chunks(byLength, batchSize), examples, stack);
    },
  };
}

/** Reads the file again: of its texts, nothing but ids is kept. */
async function* contentsOf(file: string, indices: readonly number[]): AsyncGenerator<Content, void, undefined> {
  const rows = await readTable(file, ['text'], { trim: false });
  for (const { line, cells } of indices.map((index) => rows[index]!)) {
    yield { digest: textDigest(cells.text), place: `line ${line} of ${file}`, text: cells.text };
  }
}

interface Example {
  readonly ids: Int32Array;
  readonly label: number;
}

async function* batchesOf(
  batches: readonly (readonly number[])[],
  examples: readonly Example[],
  stack: TextInputs['stack'],
): AsyncGenerator<Batch, void, undefined> {
  for (const indices of batches) {
    yield {
      inputs: stack(indices.map((index) => examples[index]!.ids)),
      labels: indices.map((index) => examples[index]!.label),
      indices,
    };
  }
}
