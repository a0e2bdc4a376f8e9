import type { Tokenizer } from '@cq/data';

/** Padding, a word that is not in the vocabulary, what stands before and behind a text. */
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];

/** The tokenizer of a small teacher: the most frequent words of its texts, `size` entries in all. */
export function words(
  texts: readonly string[],
  size: number,
  maxLength: number,
): Tokenizer & { readonly size: number } {
  const counts = new Map<string, number>();
  for (const word of texts.flatMap(split)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([word]) => word);
  const vocabulary = [...special, ...frequent.slice(0, size - special.length)];
  const idOf = new Map(vocabulary.map((word, id) => [word, id]));
  return {
    name: 'words',
    size: vocabulary.length,
    maxLength,
    padding: 0,
    encode: (text, length) => {
      const ids = split(text).map((word) => idOf.get(word) ?? 1);
      return Int32Array.from([2, ...ids.slice(0, length - 2), 3]);
    },
  };
}

const split = (text: string): readonly string[] => text.split(/[\s\p{P}]+/u).filter(Boolean);
