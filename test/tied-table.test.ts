import '@cq/backend-wasm';
import {
  canonicalize,
  compress,
  consumersOf,
  fakeQuantizeOf,
  fromArtifacts,
  int8,
  lower,
  pack,
  type Graph,
} from '@cq/core';
import { setBackend } from '@tensorflow/tfjs-core';
import { asExported } from './exporter.ts';
import { fixtureData } from './fixture-data.ts';
import { maskedLanguageModel } from './masked-lm.ts';

/** Words and hidden sizes of the parity BERT. */
const [words, hidden] = [99, 32];

let model: Graph;
beforeAll(async () => {
  await setBackend('wasm');
  model = await maskedLanguageModel();
});

const tables = ({ weights }: Graph) => [...weights.values()].filter(({ data }) => data.length === words * hidden);

/** The ops that read the one table, with their attributes. */
function readers(graph: Graph): readonly unknown[] {
  const [table, ...others] = tables(graph);
  expect(others).toEqual([]);
  expect(table!.shape).toEqual([words, hidden]);
  const tip = fakeQuantizeOf(graph, table!.name)?.name ?? table!.name;
  return consumersOf(graph, tip).map(({ op, attrs }) => [op, attrs]);
}

const both = [
  ['GatherV2', { batch_dims: 0 }],
  ['MatMul', { transpose_b: true }],
];

test('a table that embeds and decodes stays one weight, read as it lies', () => {
  expect(readers(canonicalize(model))).toEqual(both);
});

test.each([1, 2, 3, 4])('so it does whoever exported it (seed %i), and in what is packed', (seed) => {
  const graph = canonicalize(asExported(model, seed));
  expect(readers(graph)).toEqual(both);
  const packed = fromArtifacts(pack(graph));
  expect(tables(packed)).toHaveLength(1);
  expect(readers(canonicalize(packed))).toEqual(both);
});

test('one quantizer serves both, and both become integer nodes', async () => {
  const { graph } = await compress(asExported(model, 5), int8(), { calibration: await fixtureData('bert', 4) });
  expect(readers(graph)).toEqual(both);
  const ops = [...lower(graph).graph.nodes.values()];
  expect(ops.filter(({ op }) => op === 'CqEmbedding')).toHaveLength(3); // words, types and positions
  expect(ops.find(({ attrs }) => attrs['outputs'] === words)).toMatchObject({ op: 'CqLinear' });
});

test('a weight that only one product reads is turned round', () => {
  const { nodes } = canonicalize(asExported(model, 1));
  const turned = [...nodes.values()].filter(({ op, attrs }) => op === 'MatMul' && attrs['transpose_b']);
  expect(turned).toHaveLength(1);
});
