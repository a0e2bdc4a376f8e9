import { UsageError } from './usage-error.ts';

/** Parses the value of an option that counts something. */
export function wholeNumber(command: string, option: string, from: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && Number.isSafeInteger(value) && value >= from) return value;
    throw new UsageError(`${command}: ${option} must be a whole number from ${from}, got "${text}"`);
  };
}
