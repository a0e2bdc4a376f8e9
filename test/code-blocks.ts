import { readFileSync } from 'node:fs';

/** A fenced block of a document. */
export interface CodeBlock {
  /** `js`, `sh`, …; empty for a block without a language. */
  readonly language: string;
  /** What stands in brackets behind the language: where the block runs, if not in Node. */
  readonly place: string;
  readonly code: string;
  /** Line of the fence, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown file, in their order. */
export function codeBlocks(file: string): CodeBlock[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^```(\w*)(?: \[([^\]]*)\])?\n([\s\S]*?)^```$/gm)].map(
    ({ 1: language = '', 2: place = '', 3: code = '', index }) => ({
      ...{ language, place, code },
      line: text.slice(0, index).split('\n').length,
    }),
  );
}
