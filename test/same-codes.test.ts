import '@cq/backend-wasm';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compress, int8, int8Dynamic, lower, w4, type Dataset, type Graph, type Pass } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { asExported } from './exporter.ts';
import { fixture, fixtureData } from './fixture-data.ts';
import { maskedLanguageModel } from './masked-lm.ts';
import { noiseImages } from './noise-images.ts';
import { structureOf } from './structure.ts';

beforeAll(() => setBackend('wasm'));

type Recipe = readonly [name: string, passes: () => readonly Pass[]];

const recipes: readonly Recipe[] = [
  ['int8', int8],
  ['int8-dynamic', int8Dynamic],
  ['w4', w4],
];

interface Subject {
  readonly name: string;
  readonly model: () => Promise<Graph>;
  readonly data: () => Promise<Dataset>;
  /** Every seed is an exporter with habits of its own. */
  readonly seeds: readonly number[];
  readonly recipes: readonly Recipe[];
}

const parity = (name: string): Subject => ({
  name,
  model: () => importHuggingFace(fixture(name)),
  data: () => fixtureData(name, 4),
  seeds: [1, 2, 3],
  recipes,
});

/** Models in ../shared/models, too large for this repository, and for more than one recipe. */
const real = (name: string, data: () => Promise<Dataset>): Subject[] => {
  const folder = join(__dirname, '../../shared/models', name);
  if (existsSync(folder))
    return [{ name, model: () => importHuggingFace(folder), data, seeds: [1], recipes: recipes.slice(0, 1) }];
  process.stdout.write(`skipped: ../shared/models/${name} is not there\n`);
  return [];
};

const subjects: readonly Subject[] = [
  ...['vit', 'bert', 'distilbert'].map(parity),
  { ...parity('bert'), name: 'bert with a tied masked-LM head', model: maskedLanguageModel },
  ...real('deit-tiny-patch16-224', async () => noiseImages(2, 224)),
  ...real('minilm-l6-sst2', () => fixtureData('bert', 2)),
];

/** Everything about a compressed model but its names: ops, attributes, and every code, scale and table. */
async function compressed(model: Graph, passes: readonly Pass[], calibration: Dataset): Promise<readonly string[]> {
  const { graph } = await compress(model, passes, { calibration });
  return structureOf(lower(graph).graph);
}

describe.each(subjects)('$name, written by another exporter, is compressed to the same codes', (subject) => {
  const sameCodes = async (passes: readonly Pass[]): Promise<void> => {
    const [model, data] = [await subject.model(), await subject.data()];
    const codes = await compressed(model, passes, data);
    expect(codes.some((node) => /^Cq\w*Linear /.test(node))).toBe(true);
    for (const seed of subject.seeds) expect(await compressed(asExported(model, seed), passes, data)).toEqual(codes);
  };
  test.each(subject.recipes)('%s', (_, passes) => sameCodes(passes()), 180_000);
});
