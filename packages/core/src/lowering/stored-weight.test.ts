import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import {
  asymmetric,
  build,
  codebook,
  executor,
  fromArtifacts,
  lower,
  raise,
  symmetric,
  toArtifacts,
  unsigned,
  withFakeQuantize,
  type Graph,
  type Quantizer,
} from '../index.ts';

beforeAll(() => setBackend('cpu'));

const w = Float32Array.from({ length: 60 }, (_, i) => ((i * 37) % 61) / 30 - 1);
const clips = (count: number) => Array.from({ length: count }, (_, i) => 0.5 + i / 10);
const scale = Float32Array.of(1.1);

/** A weight [6, 10] that a sum reads. */
function scaled(quantizer: Quantizer): Graph {
  const b = build();
  const x = b.input('x', 'float32', [6, 10]);
  b.output('y', b.node('sum', 'AddV2', [x, b.weight('w', [6, 10], w)]), [6, 10]);
  return withFakeQuantize(b.graph(), 'w', quantizer);
}

/** Rows of a table [6, 10]. */
function looked(quantizer: Quantizer): Graph {
  const b = build();
  const ids = b.input('x', 'int32', [4]);
  const axis = b.weight('axis', [], Int32Array.of(0));
  b.output('y', b.node('rows', 'GatherV2', [b.weight('w', [6, 10], w), ids, axis]), [4, 10]);
  return withFakeQuantize(b.graph(), 'w', quantizer);
}

function run(graph: Graph): number[] {
  const model = executor(graph);
  const [input] = graph.inputs;
  const float = { dtype: 'float32', shape: [6, 10], data: new Float32Array(60).fill(0.5) } as const;
  const ids = { dtype: 'int32', shape: [4], data: Int32Array.of(5, 0, 3, 3) } as const;
  const [y] = model.run({ x: input!.dtype === 'int32' ? ids : float });
  const values = [...y!.dataSync()].map((value) => value + 0); // Of the two zeros either will do.
  y!.dispose();
  model.dispose();
  return values;
}

const ops = (graph: Graph): string[] => [...graph.nodes.values()].map(({ op }) => op);
const codeBytes = (graph: Graph): number[] =>
  [...graph.weights.values()].filter(({ dtype }) => dtype === 'bool').map(({ data }) => data.length);

const kinds: readonly (readonly [name: string, bytes: number, quantizer: Quantizer])[] = [
  ['8 bits per output', 60, symmetric(8, clips(10), 1)],
  ['3 bits per output', 24, symmetric(3, clips(10), 1)],
  ['4 bits per row', 30, symmetric(4, clips(6), 0)],
  ['5 bits, asymmetric', 42, asymmetric(5, -1, 0.7)],
  ['1 bit, unsigned', 12, unsigned(1, 1)],
  ['4 bits in groups of 4 rows', 30, { ...symmetric(4, clips(20), 1), group: 4 }],
  ['2 bits in groups of 3 columns', 18, { ...symmetric(2, clips(24), 0), group: 3 }],
  ['log2, 3 bits', 24, { kind: 'log2', bits: 3, base: 2, scale }],
  ['uniform-log2, 4 bits', 30, { kind: 'uniform-log2', bits: 4, base: 1, lower: 0, truncation: 9, scale }],
  ['a codebook of 5 levels', 24, codebook([-1, -0.3, 0, 0.4, 1], 0.9)],
];

test.each(kinds)('%s: the weight takes %i bytes and decodes to its simulated values', (_, bytes, quantizer) => {
  const graph = scaled(quantizer);
  const { graph: lowered } = lower(graph);
  expect(ops(lowered)).toEqual(['CqWeight', 'AddV2']);
  expect(codeBytes(lowered)).toEqual([bytes]);
  expect(run(lowered)).toEqual(run(graph));
  expect(run(fromArtifacts(toArtifacts(lowered)))).toEqual(run(graph));
  expect(ops(raise(lowered))).toEqual(['Identity', 'AddV2']);
  expect(run(raise(lowered))).toEqual(run(graph));
});

test.each([
  ['8 bits', 60, symmetric(8, clips(6), 0)],
  ['3 bits', 24, symmetric(3, clips(6), 0)],
  ['4 bits in groups of 4', 30, { ...symmetric(4, clips(18), 0), group: 4 }],
])('a table of %s: takes %i bytes and gives the simulated rows', (_, bytes, quantizer) => {
  const graph = looked(quantizer);
  const { graph: lowered } = lower(graph);
  expect(ops(lowered)).toEqual(['CqEmbedding']);
  expect(codeBytes(lowered)).toEqual([bytes]);
  expect(run(lowered)).toEqual(run(graph));
  expect(run(raise(lowered))).toEqual(run(graph));
});

test('more than 8 bits, and several zero points, stay float behind their quantizer', () => {
  const zeroPoints = { ...symmetric(8, clips(10), 1), zeroPoint: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9) };
  for (const quantizer of [symmetric(12, clips(10), 1), zeroPoints]) {
    const graph = scaled(quantizer);
    const { graph: lowered } = lower(graph);
    expect(ops(lowered)).toEqual(['CqFakeQuantize', 'AddV2']);
    expect(run(lowered)).toEqual(run(graph));
  }
});
