import { didYouMean } from '@cq/core';
import { UsageError } from './usage-error.ts';

/** Parses the value of an option or argument that takes one of a few words; shells complete them. */
export function oneOf<Word extends string>(
  command: string,
  option: string,
  words: readonly Word[],
): ((text: string) => Word) & { readonly words: readonly Word[] } {
  const parse = (text: string): Word => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new UsageError(
      `${command}: ${option} must be ${words.join(' or ')}, got "${text}"${didYouMean(text, words)}`,
    );
  };
  return Object.assign(parse, { words });
}
