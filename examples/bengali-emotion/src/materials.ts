import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalize, compress, subset, type Dataset, type Graph } from '@cq/core';
import { folderStore } from '@cq/core/node';
import { loadTokenizer, textCsv, type Tokenizer } from '@cq/data';
import { distill } from '@cq/distill';
import { importHuggingFace } from '@cq/import-hf';
import { smallBert } from './small-bert.ts';
import { words } from './words.ts';
import type { Effort } from './effort.ts';

/** What the study works on. */
export interface Materials {
  readonly teacher: Graph;
  /** What the teacher was before it learned the task, if that is known. */
  readonly language?: Graph;
  readonly training: Dataset;
  readonly evaluation: Dataset;
  /** Where all this is from, for the reader. */
  readonly origin: string;
}

/** The Bengali teacher and its texts; undefined if they are not there. */
export async function sharedMaterials(shared: string): Promise<Materials | undefined> {
  const [model, texts] = [join(shared, 'models/bengali-bert-mini'), join(shared, 'data/bengali-emotion')];
  if (!existsSync(model) || !existsSync(texts)) return undefined;
  const teacher = canonicalize(await importHuggingFace(model));
  const tokenizer = await loadTokenizer(model);
  const data = (file: string, maxLength?: number): Promise<Dataset> =>
    dataOf(join(texts, file), teacher, tokenizer, maxLength);
  const language = join(shared, 'models/bengali-bert-mini-mlm');
  return {
    teacher,
    ...(existsSync(language) && { language: canonicalize(await importHuggingFace(language)) }),
    training: await data('train.csv', TRAINED),
    evaluation: await data('test.csv'),
    origin: 'the Bengali mini-BERT; texts that neither it nor a student was trained on or chosen by',
  };
}

/** Tokens of a training text: the longest would make up most of the work. */
const TRAINED = 40;

/** A small teacher trained on texts that are given (`text,label`): four of five train it, the others evaluate. */
export async function trainedMaterials(file: string, effort: Effort, folder: string, seed: number): Promise<Materials> {
  const rows = (await readFile(file, 'utf8')).split(/\r?\n/).slice(1).filter(Boolean);
  const labels = [...new Set(rows.map((row) => row.slice(row.lastIndexOf(',') + 1).trim()))].sort();
  const tokenizer = words(
    rows.map((row) => row.slice(0, row.lastIndexOf(','))),
    4096,
    64,
  );
  const untrained = smallBert({ vocabulary: tokenizer.size, positions: 64, labels }, seed);
  const all = await dataOf(file, untrained, tokenizer);
  const places = Array.from({ length: all.size }, (_, place) => place);
  const training = subset(
    all,
    places.filter((place) => place % 5 !== 4),
  );
  const evaluation = subset(
    all,
    places.filter((place) => place % 5 === 4),
  );
  const { graph } = await compress(
    untrained,
    [distill({ losses: ['labels'], steps: effort.teacher, batchSize: 16, rate: 1e-3 })],
    { training, seed, store: folderStore(join(folder, 'teacher')) },
  );
  return { teacher: graph, training, evaluation, origin: `a small teacher trained on ${file} for this run alone` };
}

const dataOf = (
  file: string,
  { inputs, metadata }: Graph,
  tokenizer: Tokenizer,
  maxLength?: number,
): Promise<Dataset> =>
  textCsv(file, {
    ...{ tokenizer, inputs },
    ...(metadata.labels && { labels: metadata.labels }),
    ...(maxLength !== undefined && { maxLength }),
  });
