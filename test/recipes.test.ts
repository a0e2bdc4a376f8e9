import '@cq/backend-wasm';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compress,
  executor,
  int8,
  int8Dynamic,
  lower,
  w4,
  weightBytes,
  type Dataset,
  type Graph,
  type Pass,
} from '@cq/core';
import { sqnr } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { fixture, fixtureData } from './fixture-data.ts';

interface Recipe {
  readonly passes: () => readonly Pass[];
  /** Whether activations have codes throughout: all but the ends is integer, and every backend gives the same bytes. */
  readonly integer: boolean;
}

/** Every recipe on every architecture of the parity fixtures. */
const recipes: Readonly<Record<string, Recipe>> = {
  int8: { passes: int8, integer: true },
  'int8-dynamic': { passes: int8Dynamic, integer: false },
  w4: { passes: w4, integer: false },
};
const architectures = ['vit', 'deit-distilled', 'bert', 'distilbert', 'swin', 'yolos'];

/** Why a value may stay float in an integer model, and in one whose activations are floats between products. */
const explained: readonly string[] = [
  'it is an output of the model',
  'nothing but outputs of the model depends on it',
  'it is made of rows of tables, which have a scale each',
];
const byDesign: readonly string[] = [
  ...explained,
  'it has no quantizer',
  'it is quantized row by row where it is read',
];

interface Row {
  readonly recipe: string;
  readonly architecture: string;
  /** Of the first output on examples that did not calibrate, in dB. */
  readonly sqnr: number;
  /** Weight bytes after / before. */
  readonly bytes: number;
  readonly integerNodes: number;
  readonly leftInFloat: number;
}

/**
 * What was measured when a change was last looked at. `UPDATE_TABLES=1 npx jest test/recipes` writes it anew; then the
 * diff shows what a change did to every architecture.
 */
const file = join(__dirname, 'recipes.table.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as readonly Row[];
const measured: Row[] = [];

const cases = Object.keys(recipes).flatMap((recipe) =>
  architectures.map((architecture) => [recipe, architecture] as const),
);

test.each(cases)('%s on %s', async (recipe, architecture) => {
  const { passes, integer } = recipes[recipe]!;
  await setBackend('wasm');
  const model = await importHuggingFace(fixture(architecture));
  const data = await fixtureData(architecture, 8);
  const calibration = { ...data, size: 6, batches: (size: number) => data.batches(size, [0, 1, 2, 3, 4, 5]) };
  const { graph } = await compress(model, passes(), { calibration });
  const { graph: lowered, left } = lower(graph);

  const shown = await outputs(lowered, data);
  await setBackend('cpu');
  const defined = await outputs(lowered, data);
  await setBackend('wasm');
  if (integer) expect(defined).toEqual(shown);
  else expect(sqnr(defined, shown)).toBeGreaterThan(30);

  const reasons = new Set(left.map(({ reason }) => reason));
  const allowed = integer ? explained : byDesign;
  expect([...reasons].filter((reason) => !allowed.includes(reason))).toEqual([]);
  const row: Row = {
    ...{ recipe, architecture },
    sqnr: round(sqnr(await outputs(model, data), shown), 1),
    bytes: round(weightBytes(lowered) / weightBytes(model), 3),
    integerNodes: [...lowered.nodes.values()].filter(({ op }) => op.startsWith('Cq')).length,
    leftInFloat: left.length,
  };
  measured.push(row);
  const before = recorded.find((other) => other.recipe === recipe && other.architecture === architecture);
  if (process.env['UPDATE_TABLES'] !== undefined) return;
  expect(before).toBeDefined();
  expect(row).toMatchObject({
    integerNodes: before!.integerNodes,
    leftInFloat: before!.leftInFloat,
    bytes: before!.bytes,
  });
  expect(row.sqnr).toBeGreaterThan(before!.sqnr - 1);
});

afterAll(() => {
  if (process.env['UPDATE_TABLES'] !== undefined) writeFileSync(file, `${JSON.stringify(measured, undefined, 2)}\n`);
});

/** The first output on the examples that did not calibrate, one after the other. */
async function outputs(graph: Graph, data: Dataset): Promise<Float32Array> {
  const model = executor(graph);
  const values: number[] = [];
  for await (const { inputs } of data.batches(1, [6, 7])) {
    const [tensor, ...others] = model.run(inputs);
    values.push(...tensor!.dataSync());
    for (const each of [tensor!, ...others]) each.dispose();
  }
  model.dispose();
  return Float32Array.from(values);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
