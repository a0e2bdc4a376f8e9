import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import type { io } from '@tensorflow/tfjs-core';
import { joined } from './weights.ts';
import { build, codeSparse, decodeCodes, fromArtifacts, pack, toArtifacts, type Graph } from '../index.ts';
import { fromFolder, readArtifacts, toFolder } from '../node/index.ts';

const LENGTH = 2 ** 17;

/** Codes of 8 bits, a share of them masked. */
function codes(masked: number, length = LENGTH): Graph {
  const b = build();
  const hash = (i: number): number => Math.imul(i + 1, 2654435761) >>> 8;
  const data = Uint8Array.from({ length }, (_, i) => ((hash(i) & 1023) < 1024 * masked ? 0 : hash(hash(i)) & 255));
  const x = b.input('x', 'bool', [length]);
  b.output('y', b.node('y', 'LogicalAnd', [x, b.weight('w', [length], data)]), [length], 'bool');
  return b.graph();
}

const bytesOf = ({ weightData }: io.ModelArtifacts): number => (weightData as ArrayBuffer).byteLength;

test.each([
  [0, LENGTH, LENGTH],
  [0.2, LENGTH, LENGTH],
  [0.5, 0.55 * LENGTH, 0.66 * LENGTH],
  [0.9, 0.13 * LENGTH, 0.2 * LENGTH],
])('of %d masked codes the bytes are from %d to %d', (masked, least, most) => {
  const bytes = bytesOf(codeSparse(pack(codes(masked))));
  expect(bytes).toBeGreaterThanOrEqual(least);
  expect(bytes).toBeLessThanOrEqual(most);
});

test('small weights stay as they are, masked or not', () => {
  expect(bytesOf(codeSparse(pack(codes(0.9, 4096))))).toBe(4096);
});

test('they come back as they were, to a graph and to what TensorFlow.js loads', () => {
  const graph = codes(0.6);
  const packed = codeSparse(pack(graph));
  expect(fromArtifacts(packed).weights).toEqual(graph.weights);
  const { weightSpecs, weightData } = toArtifacts(graph);
  expect(decodeCodes(packed)).toEqual({ ...packed, weightSpecs, weightData: joined(weightData).buffer });
});

test('a model without them passes as the very object', () => {
  const packed = codeSparse(pack(codes(0)));
  expect(decodeCodes(packed)).toBe(packed);
});

describe('on disk', () => {
  let folder: string;
  beforeEach(() => (folder = join(mkdtempSync(join(tmpdir(), 'cq-sparse-')), 'model')));
  afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

  test('a folder has fewer bytes and loads', async () => {
    const graph = codes(0.75);
    toFolder(codeSparse(pack(graph)), folder);
    expect(readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(
      0.5 * LENGTH,
    );
    expect(fromArtifacts(readArtifacts(folder)).weights).toEqual(graph.weights);
    const loaded = await fromFolder(folder).load!();
    expect(bytesOf(loaded)).toBe(LENGTH);
  });

  test('a truncated file is refused before it is decoded', () => {
    toFolder(codeSparse(pack(codes(0.75))), folder);
    truncateSync(join(folder, 'group1-shard1of1.bin'), 1000);
    expect(() => readArtifacts(folder)).toThrow(/bytes expected by model\.json, 1,000 found; the file is truncated/);
  });
});

const coded = codeSparse(pack(codes(0.75)));
const withSpec = (changes: object): io.ModelArtifacts => ({
  ...coded,
  weightSpecs: coded.weightSpecs!.map((spec) => ({ ...spec, ...changes })),
});

test.each<[string, io.ModelArtifacts, RegExp]>([
  ['another length', withSpec({ coded: { shape: [LENGTH - 1] } }), /weight "w": coded bytes must end with byte 131071/],
  ['a terabyte', withSpec({ coded: { shape: [2 ** 40] } }), /at most 64 times as many bytes as they are/],
  ['a negative size', withSpec({ coded: { shape: [-1] } }), /coded shape must be of non-negative integers/],
  ['no shape', withSpec({ coded: {} }), /coded shape must be a list/],
  ['no object', withSpec({ coded: 5 }), /coded must be an object/],
  ['another type', withSpec({ dtype: 'float32' }), /coded must be bool without quantization/],
])('%s is refused, whoever reads', (_, artifacts, message) => {
  expect(() => fromArtifacts(artifacts)).toThrow(message);
  expect(() => decodeCodes(artifacts)).toThrow(message);
});
