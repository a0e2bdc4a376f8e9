import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError } from '@cq/core';
import { parseTokenizer, tokenizerFiles, type Tokenizer } from './tokenizer.ts';

/** The tokenizer of a model, from the files in its folder. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const [tokenizer, config] = await Promise.all(tokenizerFiles.map((name) => readJson(join(folder, name))));
  return parseTokenizer({ tokenizer, config }, folder);
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const found = code === 'ENOENT' ? 'nothing there' : (code ?? message);
    throw new CqError(`${file}: is needed to read text, got ${found}; copy it from the folder of the original model`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CqError(`${file}: must be JSON, got ${(error as Error).message}; copy it from the original model`, {
      cause: error,
    });
  }
}
