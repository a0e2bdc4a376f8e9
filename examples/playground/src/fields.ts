import type { Factory } from './passes.ts';

/** One option of a pass, as a form shows it. */
export interface Field {
  readonly name: string;
  readonly kind: 'number' | 'flag' | 'choice' | 'text';
  readonly value: unknown;
  /** Of a `choice`. */
  readonly choices: readonly string[];
}

/**
 * The options of a pass, asked of the pass itself: its defaults say of what kind they are, and what it answers to a word
 * that it does not know says which words it knows. Each of those is tried before it is offered.
 */
export function fieldsOf(factory: Factory): readonly Field[] {
  return Object.entries(factory().options).map(([name, value]) => {
    if (typeof value === 'number') return { name, kind: 'number', value, choices: [] };
    if (typeof value === 'boolean') return { name, kind: 'flag', value, choices: [] };
    const choices = typeof value === 'string' ? choicesOf(factory, name) : [];
    return { name, kind: choices.length > 1 ? 'choice' : 'text', value, choices };
  });
}

/** What is wrong with these options, in the words of the pass. */
export function whatIsWrong(factory: Factory, options: Readonly<Record<string, unknown>>): string | undefined {
  try {
    factory(options);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The value of a text field: JSON where it is such, as in `[8, 16]` or `0.5`. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function choicesOf(factory: Factory, name: string): readonly string[] {
  const answer = whatIsWrong(factory, { [name]: '?' }) ?? '';
  const [, listed = ''] = /must be (?:one of )?(.+?)(?: where .*)?, got /.exec(answer) ?? [];
  const words = listed.split(/, | or /);
  return words.every((word) => whatIsWrong(factory, { [name]: word }) === undefined) ? words : [];
}
