import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import { build, fromArtifacts, pack, type Graph } from '../index.ts';
import { fromFolder, readArtifacts, toFolder, writeFolder } from './index.ts';

let folder: string;
beforeEach(() => (folder = join(mkdtempSync(join(tmpdir(), 'cq-folder-')), 'model')));
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

function doubling(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, 2]);
  b.output('y', b.node('product', 'Mul', [x, b.weight('two', [2], Float32Array.of(2, 2))]), [-1, 2]);
  return b.graph({ task: 'doubling', labels: ['a', 'b'] });
}

const weights = (): string => join(folder, 'group1-shard1of1.bin');

test('a model survives the disk: the same graph, and TensorFlow.js runs it', async () => {
  toFolder(pack(doubling()), folder);
  const graph = fromArtifacts(readArtifacts(folder), folder);
  expect(graph.metadata).toEqual({ task: 'doubling', labels: ['a', 'b'] });
  expect([...graph.weights.get('two')!.data]).toEqual([2, 2]);
  const model = await loadGraphModel(fromFolder(folder));
  expect([...(model.execute({ x: tensor([[1, 3]]) }, 'y') as Tensor).dataSync()]).toEqual([2, 6]);
});

test('the same model writes the same bytes, in shards of 4 MB', () => {
  const b = build();
  b.output(
    'y',
    b.node('sum', 'AddV2', [b.input('x', 'float32', []), b.weight('w', [3e6], new Float32Array(3e6).fill(0.5))]),
    [],
  );
  toFolder(pack(b.graph()), folder);
  const first = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).length]);
  expect(first.map(([name]) => name)).toEqual([1, 2, 3].map((i) => `group1-shard${i}of3.bin`).concat('model.json'));
  const json = readFileSync(join(folder, 'model.json'));
  toFolder(pack(b.graph()), folder);
  expect(readFileSync(join(folder, 'model.json'))).toEqual(json);
});

test.each<[string, () => void, RegExp]>([
  ['no folder', () => rmSync(folder, { recursive: true }), /model\.json: does not exist$/],
  ['no JSON', () => writeFileSync(join(folder, 'model.json'), '{'), /model\.json: is not readable JSON/],
  ['no manifest', () => writeFileSync(join(folder, 'model.json'), '{}'), /weightsManifest must be a list/],
  ['a missing shard', () => rmSync(weights()), /shard1of1\.bin: does not exist, but model\.json names it/],
  [
    'a truncated shard',
    () => writeFileSync(weights(), new Uint8Array(5)),
    /shard1of1\.bin: 8 bytes expected by model\.json, 5 found; the file is truncated/,
  ],
  [
    'a longer shard',
    () => writeFileSync(weights(), new Uint8Array(9)),
    /8 bytes expected by model\.json, 9 found; the file is not of this model/,
  ],
  [
    'a shard outside',
    () =>
      writeFileSync(
        join(folder, 'model.json'),
        readFileSync(join(folder, 'model.json'), 'utf8').replace('group1', '../group1'),
      ),
    /shard "\.\.\/group1-shard1of1\.bin" lies outside the model's folder/,
  ],
  [
    'a newer format',
    () =>
      writeFileSync(
        join(folder, 'model.json'),
        readFileSync(join(folder, 'model.json'), 'utf8').replace('"formatVersion":1', '"formatVersion":2'),
      ),
    /format version must be 1, got 2; a newer @cq wrote it/,
  ],
  [
    'a negative size',
    () =>
      writeFileSync(
        join(folder, 'model.json'),
        readFileSync(join(folder, 'model.json'), 'utf8').replace('"shape":[2]', '"shape":[-2]'),
      ),
    /needs paths, and weights with name, shape and dtype/,
  ],
])('%s is one clear error', (_, spoil, message) => {
  toFolder(pack(doubling()), folder);
  spoil();
  expect(() => fromArtifacts(readArtifacts(folder), folder)).toThrow(message);
});

test('a folder with foreign files is refused and left as it is', () => {
  writeFolder(folder, new Map([['model.json', '{}']]));
  writeFileSync(join(folder, 'thesis.txt'), 'precious');
  expect(() => toFolder(pack(doubling()), folder)).toThrow(/holds "thesis.txt", which is not of a model/);
  expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('precious');
});

test('when writing fails, nothing is there', () => {
  const files = new Map<string, string>([
    ['model.json', '{}'],
    ['no/such/folder', ''],
  ]);
  expect(() => writeFolder(folder, files)).toThrow();
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(join(folder, '..'))).toEqual([]);
});
