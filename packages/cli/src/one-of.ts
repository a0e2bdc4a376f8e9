import { didYouMean } from '@cq/core';
import { UsageError } from './usage-error.ts';

/** Parses the value of an option that takes one of a few words. */
export function oneOf<Word extends string>(
  command: string,
  option: string,
  words: readonly Word[],
): (text: string) => Word {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new UsageError(
      `${command}: ${option} must be ${words.join(' or ')}, got "${text}"${didYouMean(text, words)}`,
    );
  };
}
