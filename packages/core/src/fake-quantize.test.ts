import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  asymmetric,
  build,
  codebook,
  executor,
  fakeQuantize,
  fakeQuantizeRows,
  onLevels,
  readQuantizer,
  symmetric,
  unsigned,
  withFakeQuantize,
  type Quantizer,
  type StoredQuantizer,
} from './index.ts';

const scale = Float32Array.of(0.9);
const quantizers: Readonly<Record<string, Quantizer>> = {
  'asymmetric 3 bits': asymmetric(3, -3, 700),
  'symmetric 16 bits': symmetric(16, [1e-3]),
  'unsigned 5 bits': unsigned(5, 1),
  'per channel': symmetric(8, [1, 20, 300, 0.1, 7], 1),
  'per row': { ...asymmetric(4, -1, 1), ...symmetric(4, [1, 20, 300, 2], 0), zeroPoint: Int32Array.of(1, -3, 0, 7) },
  'groups along a column': { ...symmetric(4, [1, 20, 300, 2, 5, 6, 7, 8, 9, 10], 1), group: 3 },
  'groups along a row': { ...symmetric(4, [1, 20, 300, 2, 5, 6, 7, 8, 9, 10, 11, 12], 0), group: 2 },
  log2: { kind: 'log2', bits: 4, base: 1, scale },
  'log √2': { kind: 'log2', bits: 8, base: 2, scale },
  'log2 per row': { kind: 'log2', bits: 2, base: 1, scale: Float32Array.of(1, 0.5, 3, 8), axis: 0 },
  'uniform-log2': { kind: 'uniform-log2', bits: 3, base: 2, lower: 0.5, truncation: 7, scale },
  codebook: codebook([-3, -1, -0.2, 0, 0.1, 5, 100], 0.7),
  'codebook without zero': codebook([1, 2], 0.3),
  dynamic: { kind: 'dynamic', bits: 8 },
};

const shape = [4, 5];
const value = fc.oneof(
  fc.float({ min: -2, max: 2 }),
  fc.float({ min: -1e3, max: 1e3 }),
  fc.float(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** -149, -3.4e38),
);
const values = fc.array(value, { minLength: 20, maxLength: 20 }).map((list) => Float32Array.from(list));

const run = (x: tf.Tensor, quantizer: Quantizer): tf.Tensor =>
  quantizer.kind === 'dynamic'
    ? fakeQuantizeRows(x, quantizer)
    : fakeQuantize(x, tf.tensor1d(quantizer.scale), quantizer);

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  test.each(Object.entries(quantizers))('%s equals decode(encode(x))', (_, quantizer) => {
    fc.assert(
      fc.property(values, (given) => {
        const found = tf.tidy(() => run(tf.tensor(given, shape), quantizer)).dataSync();
        // Of the two zeros either will do.
        expect([...found].map((v) => v + 0)).toEqual([...onLevels(given, shape, quantizer)].map((v) => v + 0));
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.entries(quantizers))('%s: gradients leave no tensor behind', (_, quantizer) => {
    const before = tf.memory().numTensors;
    tf.tidy(
      () =>
        tf
          .grad((x) => tf.sum(run(x, quantizer)))(tf.ones(shape))
          .dataSync().length,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('gradients', () => {
  beforeAll(() => tf.setBackend('cpu'));

  const slopes = (x: number[], quantizer: StoredQuantizer): [x: number[], scale: number[]] => {
    const loss = (input: tf.Tensor, step: tf.Tensor): tf.Scalar =>
      tf.sum(tf.mul(fakeQuantize(input, step, quantizer), tf.range(1, x.length + 1)));
    return tf.tidy(() => {
      const [dx, ds] = tf.grads(loss)([tf.tensor1d(x), tf.tensor1d(quantizer.scale)]);
      return [[...dx!.dataSync()], [...ds!.dataSync()]];
    });
  };

  test('pass straight through inside the range and stop outside', () => {
    expect(slopes([-9, -0.5, 0.503, 9], symmetric(8, [1.27]))[0]).toEqual([0, 2, 3, 0]);
    expect(slopes([-1, 0, 0.3, 0.9, 1.1], { kind: 'log2', bits: 3, base: 1, scale })[0]).toEqual([0, 2, 3, 4, 0]);
    expect(slopes([-1.5, -1, 0.3, 2.1], codebook([-1, 0, 2]))[0]).toEqual([0, 2, 3, 0]);
  });

  test("of a scale are LSQ's: level − v inside, the outermost level outside", () => {
    const [, [uniform]] = slopes([0.26, -100, 100], { ...symmetric(4, [0.7]), scale: Float32Array.of(0.1) });
    expect(uniform).toBeCloseTo(3 - 2.6 + 2 * -8 + 3 * 7, 4);
    const [, [log]] = slopes([0.3, -1, 3], { kind: 'log2', bits: 3, base: 1, scale: Float32Array.of(0.5) });
    expect(log).toBeCloseTo(0.5 - 0.6 + 2 * 0 + 3 * 1, 4);
  });

  test('of scales per group gather the entries of each group', () => {
    const quantizer = quantizers['groups along a column'] as StoredQuantizer;
    const x = Float32Array.from({ length: 20 }, (_, i) => (i * 7) % 11);
    const byScale = tf.tidy(() =>
      tf
        .grad((s) => tf.sum(fakeQuantize(tf.tensor(x, shape), s, quantizer)))(tf.tensor1d(quantizer.scale))
        .dataSync(),
    );
    // Column 1 has rows 0–2 in group 2 and row 3 in group 3.
    const column = [1, 6, 11, 16].map((i) => x[i]!);
    const slope = (v: number) => (v > 7.5 ? 7 : Math.round(v) - v);
    const [first, second] = [quantizer.scale[2]!, quantizer.scale[3]!];
    expect(byScale[2]).toBeCloseTo(
      column.slice(0, 3).reduce((sum, v) => sum + slope(v / first), 0),
      4,
    );
    expect(byScale[3]).toBeCloseTo(slope(column[3]! / second), 4);
  });

  test('of a dynamic quantizer pass straight through', () => {
    const dx = tf.tidy(() =>
      tf
        .grad((x) => tf.sum(tf.mul(fakeQuantizeRows(x, { kind: 'dynamic', bits: 4 }), [1, 2, 3])))(
          tf.tensor2d([[1, -5, 0.1]]),
        )
        .dataSync(),
    );
    expect([...dx]).toEqual([1, 2, 3]);
  });
});

describe('as an annotation', () => {
  beforeAll(() => tf.setBackend('cpu'));

  const annotated = (quantizer: Quantizer) => {
    const b = build();
    const x = b.input('x', 'float32', shape);
    b.output('y', b.node('double', 'AddV2', [x, x]), shape);
    return withFakeQuantize(b.graph(), 'double', quantizer);
  };

  test.each(Object.entries(quantizers))('%s is read as it was written, and runs', (_, quantizer) => {
    const graph = annotated(quantizer);
    const node = graph.nodes.get('double/quantize')!;
    expect(readQuantizer(graph, node)).toEqual(quantizer);
    const x = Float32Array.from({ length: 20 }, (_, i) => (i - 8) / 9);
    const model = executor(graph);
    const [y] = model.run({ x: { dtype: 'float32', shape, data: x } });
    const doubled = x.map((value) => value + value);
    expect([...y!.dataSync()].map((v) => v + 0)).toEqual([...onLevels(doubled, shape, quantizer)].map((v) => v + 0));
    y!.dispose();
    model.dispose();
  });

  const hostile: readonly (readonly [name: string, attrs: Readonly<Record<string, unknown>>, error: string])[] = [
    ['asymmetric 3 bits', { kind: 'toString' }, 'kind must be one of uniform, log2, uniform-log2, codebook, dynamic'],
    ['asymmetric 3 bits', { kind: 7 }, 'kind must be one of'],
    ['asymmetric 3 bits', { bits: 1e9 }, 'bits must be an integer from 1 to 16, got 1000000000'],
    ['asymmetric 3 bits', { bits: '8' }, 'bits must be an integer'],
    ['asymmetric 3 bits', { signed: 1 }, 'signed must be true or false, got 1'],
    ['asymmetric 3 bits', { zero_point: [0, 0] }, '1 scales for 2 zero points'],
    ['asymmetric 3 bits', { zero_point: [0.5] }, 'zero_point must be a list of integers'],
    ['asymmetric 3 bits', { zero_point: 4 }, 'zero_point must be a list of integers'],
    ['asymmetric 3 bits', { group: 4 }, 'group needs an axis, got 4'],
    ['per channel', { axis: -1 }, '5 scales and no axis, needs 1'],
    ['per channel', { axis: 1.5 }, 'axis must be an integer'],
    ['log2', { base: 3 }, 'base must be an integer from 1 to 2, got 3'],
    ['log2', { bits: 9 }, 'bits must be an integer from 1 to 8, got 9'],
    ['uniform-log2', { truncation: 0.5 }, 'truncation must be above lower, 0.5, got 0.5'],
    ['uniform-log2', { lower: -1e6 }, 'lower must be a number from -64 to 64'],
    ['codebook', { bits: 2 }, 'levels must be 4 finite numbers in ascending order, got 8'],
    ['dynamic', { bits: 1 }, 'bits must be an integer from 2 to 8, got 1'],
  ];
  test.each(hostile)('%s with %j is refused, when read and when run', (name, attrs, error) => {
    const graph = annotated(quantizers[name]!);
    const node = graph.nodes.get('double/quantize')!;
    const spoiled = { ...node, attrs: { ...node.attrs, ...attrs } as typeof node.attrs };
    expect(() => readQuantizer(graph, spoiled)).toThrow(`graph: "double/quantize": `);
    expect(() => readQuantizer(graph, spoiled)).toThrow(error);
    const model = executor({ ...graph, nodes: new Map(graph.nodes).set(node.name, spoiled) });
    const x = { dtype: 'float32', shape, data: new Float32Array(20) } as const;
    expect(() => model.run({ x })).toThrow(`CqFakeQuantize: ${error}`);
    model.dispose();
  });
});
