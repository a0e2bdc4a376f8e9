import { makeGraph, pack } from '@cq/core';
import { modelFiles } from './model-files.ts';
import { openModel } from './open-model.ts';

const input = { name: 'x', dtype: 'float32', shape: [-1, 2] } as const;
const weight = { name: 'w', dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
const graph = makeGraph({
  nodes: [{ name: 'y', op: 'MatMul', inputs: ['x', 'w'], attrs: { transpose_a: false, transpose_b: false } }],
  weights: [weight],
  inputs: [input],
  outputs: [{ name: 'y', value: 'y', dtype: 'float32', shape: [-1, 2] }],
});

const given = (change: (files: Map<string, Blob>) => void = () => undefined) => {
  const files = new Map([...modelFiles(pack(graph))].map(([name, bytes]) => [name, new Blob([bytes as BlobPart])]));
  change(files);
  return { name: 'mine', files };
};

test('a graph model is opened, whatever the order of its files', async () => {
  const opened = await openModel(given());
  expect(opened.weights.get('w')!.data).toEqual(weight.data);
  expect([...opened.nodes.keys()]).toEqual(['y']);
});

test('how images become its input may stand beside a model that does not say so', async () => {
  const file = new Blob(['{"do_resize": false}']);
  const { metadata } = await openModel(given((files) => files.set('preprocessor_config.json', file)));
  expect(metadata.preprocessing).toEqual({ do_resize: false });
});

test.each([
  ['a shard is missing', 'drop the whole folder', (files: Map<string, Blob>) => files.delete('group1-shard1of1.bin')],
  ['model.json is cut off', 'is not JSON', (files: Map<string, Blob>) => files.set('model.json', new Blob(['{"a']))],
  ['there is no model', 'expected, got neither', (files: Map<string, Blob>) => files.clear()],
])('what is wrong is said where %s', async (_, said, change) => {
  await expect(openModel(given(change))).rejects.toThrow(said);
  await expect(openModel(given(change))).rejects.toThrow('mine');
});
