import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CqError, type Dataset, type Graph } from '@cq/core';
import { imageFolder, loadTokenizer, parsePreprocessing, textCsv, type Preprocessing } from '@cq/data';

/** DATA of every command, read as the model wants it: a CSV of texts by its tokenizer, a folder of images by its preprocessing. */
export function loadData(data: string, graph: Graph, model: string): Promise<Dataset> {
  return data.endsWith('.csv') ? loadTexts(data, graph, model) : loadImages(data, graph, model);
}

async function loadTexts(file: string, graph: Graph, model: string): Promise<Dataset> {
  const { labels } = graph.metadata;
  const tokenizer = await loadTokenizer(model);
  return textCsv(file, { tokenizer, inputs: graph.inputs, ...(labels && { labels }) });
}

async function loadImages(folder: string, graph: Graph, model: string): Promise<Dataset> {
  const source = ['preprocessor_config.json', 'model.json'].find((name) => existsSync(join(model, name)));
  if (!graph.metadata.preprocessing) {
    throw new CqError(
      `${model}: how images become its input is needed to read ${folder}, got no preprocessing; add preprocessor_config.json`,
    );
  }
  const file = join(model, source ?? 'preprocessor_config.json');
  const preprocessing = parsePreprocessing(graph.metadata.preprocessing, file);
  const input = imageInput(graph, model);
  checkSize(preprocessing, input.shape, file, input.name);
  const { labels } = graph.metadata;
  return imageFolder(folder, { preprocessing, input: input.name, ...(labels && { labels }) });
}

function imageInput({ inputs }: Graph, model: string): Graph['inputs'][number] {
  const [input] = inputs;
  if (inputs.length !== 1 || input!.shape.length !== 4) {
    const found = inputs.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(' and ');
    throw new CqError(`${model}: one input [batch, channels, height, width] is needed to read images, got ${found}`);
  }
  return input!;
}

/** Said before any image is read, and of the file that is to blame. */
function checkSize({ channels, resize, crop }: Preprocessing, shape: readonly number[], file: string, input: string) {
  const size = crop ?? (resize && 'height' in resize ? resize : { height: -1, width: -1 });
  const given = [channels, size.height, size.width];
  const fits = given.every((length, i) => length < 0 || shape[i + 1]! < 0 || length === shape[i + 1]);
  if (!fits) {
    throw new CqError(
      `${file}: images must become [${shape.slice(1).join(', ')}], the shape of input "${input}", got [${given.join(', ')}]; correct the sizes in it`,
    );
  }
}
