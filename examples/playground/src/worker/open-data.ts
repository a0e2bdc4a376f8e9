import { CqError, type Batch, type Dataset, type Graph } from '@cq/core';
import {
  imageFromBlob,
  parsePreprocessing,
  parseTokenizer,
  preprocessedSize,
  preprocessImage,
  textInputs,
  tokenizerFiles,
  type TextInputs,
} from '@cq/data/browser';
import type { Given, GivenFiles } from '../protocol.ts';

/** Data, and whether they have labels. */
export interface Opened {
  readonly data: Dataset;
  readonly labelled: boolean;
}

/** Dropped images or texts as the model's inputs. @param model its files, which have the tokenizer. */
export async function openData(given: Given, graph: Graph, model: GivenFiles | undefined): Promise<Opened> {
  if (graph.metadata.preprocessing) return images(given, graph);
  return texts(given, await textInputsOf(graph, model));
}

const imageName = /\.(jpe?g|png|webp|gif|bmp|avif)$/i;

/** Images of sub-folders named like a class, or with labels in `labels.csv` (`file,label`), or without any. */
async function images({ name, files }: Given, graph: Graph): Promise<Opened> {
  const { labels: classes = [] } = graph.metadata;
  const preprocessing = parsePreprocessing(graph.metadata.preprocessing, 'preprocessor_config.json');
  const listed = new Map(rowsOf((await files.get('labels.csv')?.text()) ?? '').map(([file, label]) => [file, label]));
  const found = [...files].filter(([path]) => imageName.test(path)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (found.length === 0) throw new CqError(`${name}: images are expected, got none; drop JPEG, PNG or WebP files`);
  const examples = found.map(([path, blob]) => {
    const label = listed.get(path) ?? (path.includes('/') ? path.split('/').at(-2) : undefined);
    const named = label === undefined ? -1 : classes.indexOf(label);
    return { blob, label: named >= 0 ? named : /^\d+$/.test(label ?? '') ? Number(label) : undefined };
  });
  const labelled = examples.every(({ label }) => label !== undefined);
  const input = graph.inputs[0]!.name;
  const load = async (indices: readonly number[]): Promise<Batch> => {
    const chosen = indices.map((index) => examples[index]!);
    const values: Float32Array[] = [];
    let shape: readonly number[] = [];
    for (const { blob } of chosen) {
      const image = await imageFromBlob(blob);
      const { height, width } = preprocessedSize(image, preprocessing);
      shape = [chosen.length, preprocessing.channels, height, width];
      values.push(preprocessImage(image, preprocessing));
    }
    const data = new Float32Array(values.reduce((length, one) => length + one.length, 0));
    values.forEach((one, row) => data.set(one, row * one.length));
    return {
      inputs: { [input]: { dtype: 'float32', shape, data } },
      ...(labelled && { labels: chosen.map(({ label }) => label!) }),
    };
  };
  return { data: inBatches(name, examples.length, load), labelled };
}

/** The lines of a text file, or a CSV file of `text,label`. */
async function texts({ name, files }: Given, { encode, stack }: TextInputs): Promise<Opened> {
  const [file] = [...files.values()];
  if (!file) throw new CqError(`${name}: a text file is expected, got none; drop one with a text on each line`);
  const content = await file.text();
  const table = /^\uFEFF?"?text"?,/.test(content) ? rowsOf(content).slice(1) : undefined;
  const rows =
    table ??
    content
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .map((line) => [line]);
  const ids = rows.map(([text]) => encode(text!));
  const labels = rows.map(([, label]) => (/^\d+$/.test(label ?? '') ? Number(label) : undefined));
  const labelled = labels.every((label) => label !== undefined);
  const load = async (indices: readonly number[]): Promise<Batch> => ({
    inputs: stack(indices.map((index) => ids[index]!)),
    ...(labelled && { labels: indices.map((index) => labels[index]!) }),
  });
  return { data: inBatches(name, ids.length, load), labelled };
}

export async function textInputsOf(graph: Graph, model: GivenFiles | undefined): Promise<TextInputs> {
  const [tokenizer, config] = await Promise.all(
    tokenizerFiles.map(async (file) => {
      const found = await model?.get(file)?.text();
      if (found === undefined) throw new CqError(`${file}: is needed to read texts; drop it together with the model`);
      return JSON.parse(found) as unknown;
    }),
  );
  return textInputs('texts', { tokenizer: parseTokenizer({ tokenizer, config }, 'the model'), inputs: graph.inputs });
}

function inBatches(name: string, size: number, load: (indices: readonly number[]) => Promise<Batch>): Dataset {
  return {
    name,
    size,
    async *batches(batchSize, indices = Array.from({ length: size }, (_, index) => index)) {
      for (let at = 0; at < indices.length; at += batchSize) yield load(indices.slice(at, at + batchSize));
    },
  };
}

/** The cells of a CSV text; quoted ones may hold commas, quotes written twice, and line breaks. */
export function rowsOf(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (!row.length && quoted === undefined && plain === '' && end === '') break;
    row.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
