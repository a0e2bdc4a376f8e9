import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import {
  canonicalize,
  decompose,
  executor,
  fromArtifacts,
  symmetric,
  toArtifacts,
  withFakeQuantize,
  withMask,
  type ArrayTensor,
  type Graph,
  type Input,
} from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { asExported } from './exporter.ts';
import { fixture } from './fixture-data.ts';
import { maskedLanguageModel } from './masked-lm.ts';
import { structureOf } from './structure.ts';
import { tinyViT } from './tiny-vit.ts';

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
const models: readonly (readonly [name: string, load: () => Graph | Promise<Graph>])[] = [
  ['two blocks', () => tinyViT({}, 1)],
  [
    'the tanh GELU, one block of four heads',
    () => tinyViT({ approximateGelu: true, blocks: 1, heads: 4, hidden: 24 }, 2),
  ],
  ['BERT, over any number of tokens', () => importHuggingFace(fixture('bert'))],
  ['BERT with a tied masked-LM head', maskedLanguageModel],
];

beforeAll(() => setBackend('cpu'));

function logits(graph: Graph): Float32Array {
  const model = executor(graph);
  const [result] = model.run(Object.fromEntries(graph.inputs.map((input) => [input.name, example(input)])));
  const values = result!.dataSync<'float32'>();
  model.dispose();
  return values;
}

/** Two examples; a text has seven tokens, of which the mask drops the last ones. */
function example({ name, dtype, shape }: Input): ArrayTensor {
  const sizes = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? 2 : 7));
  const values = Array.from({ length: sizes.reduce((count, size) => count * size) }, (_, i) => i);
  if (dtype === 'float32') return { dtype, shape: sizes, data: Float32Array.from(values, Math.sin) };
  const integer = name === 'input_ids' ? (i: number) => (i * 11) % 97 : (i: number) => Number(i % 7 < 5);
  return { dtype: 'int32', shape: sizes, data: Int32Array.from(values, integer) };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

describe.each(models)('%s', (_, load) => {
  let graph: Graph;
  beforeAll(async () => (graph = canonicalize(await load())));

  test('a canonical graph comes back as it is', () => {
    expect(canonicalize(graph)).toBe(graph);
  });

  test('canonicalize is the way back from decompose, names included', () => {
    const back = canonicalize(decompose(graph));
    expect([...back.nodes.values()]).toEqual([...graph.nodes.values()]);
    expect([...back.weights.values()]).toEqual([...graph.weights.values()]);
    expect(back.outputs).toEqual(graph.outputs);
  });

  test('so it is through model.json', () => {
    expect(structureOf(canonicalize(fromArtifacts(toArtifacts(decompose(graph)))))).toEqual(structureOf(graph));
  });

  test.each(seeds)('another exporter, seed %i: the same structure', (seed) => {
    expect(structureOf(canonicalize(asExported(graph, seed)))).toEqual(structureOf(graph));
  });

  test.each(seeds.slice(0, 3))('another exporter, seed %i: the same logits', (seed) => {
    const exported = asExported(graph, seed);
    const expected = logits(graph);
    expect(largestDifference(logits(exported), expected)).toBeLessThan(1e-5);
    expect(largestDifference(logits(canonicalize(exported)), expected)).toBeLessThan(1e-5);
  });

  test('the same export twice is the same graph twice', () => {
    const [a, b] = [1, 1].map((seed) => canonicalize(asExported(graph, seed)));
    expect([...a!.nodes.values()]).toEqual([...b!.nodes.values()]);
  });
});

describe.each(models.slice(0, 2))('%s', (_, load) => {
  let graph: Graph;
  beforeAll(async () => (graph = await load()));

  test('annotated everywhere, it keeps every decision', () => {
    const annotated = annotatedEverywhere(graph);
    expect(canonicalize(annotated)).toBe(annotated);
    expect(structureOf(canonicalize(decompose(annotated)))).toEqual(structureOf(annotated));
  });

  test.each(seeds.slice(0, 3))('another exporter, seed %i, annotated everywhere: it computes what it did', (seed) => {
    const annotated = annotatedEverywhere(asExported(graph, seed));
    const canonical = canonicalize(annotated);
    const decisions = ({ nodes }: Graph) => [...nodes.values()].filter(({ op }) => op.startsWith('Cq')).length;
    expect(decisions(canonical)).toBe(decisions(annotated));
    expect(largestDifference(logits(canonical), logits(annotated))).toBeLessThan(1e-5);
  });
});

/** A quantizer on every value but copies, and a mask on every matrix. */
function annotatedEverywhere(graph: Graph): Graph {
  let annotated = graph;
  for (const { name, dtype, shape, data } of graph.weights.values()) {
    if (dtype !== 'float32' || shape.length < 2) continue;
    annotated = withMask(
      annotated,
      name,
      Float32Array.from(data, (_, i) => (i % 3 === 0 ? 0 : 1)),
    );
    annotated = withFakeQuantize(annotated, name, symmetric(8, [2]));
  }
  for (const { name, op } of graph.nodes.values()) {
    if (op !== 'Identity') annotated = withFakeQuantize(annotated, name, symmetric(16, [64]));
  }
  return annotated;
}
