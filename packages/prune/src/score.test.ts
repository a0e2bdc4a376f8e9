import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import { build, edit, executor, randomOf, withMask, type Dataset, type Graph, type PassContext } from '@cq/core';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { groupsOf, type Group, type Structure } from './groups.ts';
import { scoreUnits, type Score } from './score.ts';

beforeAll(() => setBackend('cpu'));

const [tokens, hidden, channels, classes] = [2, 3, 4, 3];

/** x ─► MatMul up ─► Relu ─► MatMul down ─► AddV2 ◄── x */
function model(): Graph {
  const b = build();
  const random = randomOf(5);
  const weight = (name: string, ...shape: number[]): string =>
    b.weight(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => random.uniform() - 0.3),
    );
  const x = b.input('x', 'float32', [-1, tokens, hidden]);
  const up = b.node('biased', 'BiasAdd', [
    b.node('hidden', 'MatMul', [x, weight('up', hidden, channels)]),
    weight('bias', channels),
  ]);
  const down = b.node('read', 'MatMul', [b.node('act', 'Relu', [up]), weight('down', channels, classes)]);
  b.output('y', b.node('y', 'AddV2', [down, x]), [-1, tokens, classes]);
  return b.graph();
}

/** `copies` times the same `size` examples. */
function examples(size: number, copies = 1): Dataset {
  const inputs = Array.from({ length: size }, (_, i) => {
    const random = randomOf(i);
    return Float32Array.from({ length: tokens * hidden }, () => 2 * random.uniform() - 1);
  });
  return {
    name: 'examples',
    size: size * copies,
    async *batches() {
      for (let i = 0; i < size * copies; i++) {
        yield { inputs: { x: { dtype: 'float32', shape: [1, tokens, hidden], data: inputs[i % size]! } } };
      }
    },
  };
}

const context = (calibration: Dataset): PassContext => ({
  data: { calibration },
  seed: 1,
  signal: new AbortController().signal,
  changed: () => undefined,
  skipped: () => undefined,
  progress: () => undefined,
});

function groups(graph: Graph, structure: Structure): Map<string, Group> {
  return groupsOf(graph, structure, [2, 2], false) as Map<string, Group>;
}

async function scored(graph: Graph, structure: Structure, score: Score, data = examples(3)) {
  const found = groups(graph, structure);
  const results = await scoreUnits(graph, [...found.values()], score, context(data));
  return new Map([...found.keys()].map((name, i) => [name, results[i]!]));
}

/** Values of a node for every example, one row a token. */
async function rows(graph: Graph, value: string, data: Dataset): Promise<number[][]> {
  const loaded = executor(graph);
  const found: number[][] = [];
  for await (const { inputs } of data.batches(1)) {
    const [tensor] = loaded.run(inputs, [value]);
    found.push(...((tensor!.arraySync() as number[][][])[0] as number[][]));
    tensor!.dispose();
  }
  loaded.dispose();
  return found;
}

const closeTo = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5) as number);

test('magnitude is |w|, of a tile the root of the mean square', async () => {
  const graph = model();
  const down = graph.weights.get('down')!.data; // [4, 3]
  const entries = await scored(graph, 'unstructured', 'magnitude');
  expect([...entries.get('down')!]).toEqual(closeTo(Array.from(down, Math.abs)));
  const tiles = (await scored(graph, 'block', 'magnitude')).get('down')!; // outputs 0–1, then the third that is left
  const rootMean = (...places: number[]): number =>
    Math.sqrt(places.reduce((sum, i) => sum + down[i]! ** 2, 0) / places.length);
  expect([...tiles]).toEqual(closeTo([rootMean(0, 1, 3, 4), rootMean(6, 7, 9, 10), rootMean(2, 5), rootMean(8, 11)]));
});

test('magnitude of a channel is that of all its entries: column, bias and row', async () => {
  const graph = model();
  const [up, bias, down] = ['up', 'bias', 'down'].map((name) => graph.weights.get(name)!.data as Float32Array);
  const expected = Array.from({ length: channels }, (_, c) => {
    const column = Array.from({ length: hidden }, (__, k) => up![k * channels + c]!);
    return Math.hypot(...column, bias![c]!, ...down!.slice(c * classes, (c + 1) * classes)) / Math.sqrt(classes);
  });
  expect([...(await scored(graph, 'channel', 'magnitude')).get('down')!]).toEqual(closeTo(expected));
});

test('wanda is |w| times the norm of what it multiplies', async () => {
  const graph = model();
  const data = examples(3);
  const hiddenRows = await rows(graph, 'act', data);
  const norms = Array.from({ length: channels }, (_, c) => Math.hypot(...hiddenRows.map((row) => row[c]!)));
  const { data: down } = graph.weights.get('down')!;
  const entries = Array.from(down, (w, i) => Math.abs(w) * norms[Math.floor(i / classes)]!);
  expect([...(await scored(graph, 'unstructured', 'wanda')).get('down')!]).toEqual(closeTo(entries));
  const units = norms.map((_, c) => Math.hypot(...entries.slice(c * classes, (c + 1) * classes)) / Math.sqrt(classes));
  expect([...(await scored(graph, 'channel', 'wanda')).get('down')!]).toEqual(closeTo(units));
});

test('what is masked already scores −∞, and a matrix is scored as masked', async () => {
  const masked = withMask(
    model(),
    'down',
    Float32Array.from({ length: channels * classes }, (_, i) => Number(i >= 5)),
  );
  const entries = [...(await scored(masked, 'unstructured', 'magnitude')).get('down')!];
  expect(entries.map((score) => score === -Infinity)).toEqual(entries.map((_, i) => i < 5));
  const tiles = [...(await scored(masked, 'block', 'magnitude')).get('down')!];
  expect(tiles[0]).toBe(-Infinity);
  expect(tiles[2]).toBeCloseTo(Math.abs(masked.weights.get('down')!.data[5]!) / Math.sqrt(2), 5);
});

/** Mean KL divergence that scaling a part of a weight brings. */
async function divergence(graph: Graph, weight: string, scale: (entry: number) => number, data: Dataset) {
  const given = graph.weights.get(weight)!;
  const changed = edit(graph, {
    weights: [{ ...given, data: given.data.map((w, i) => w * scale(i)) as Float32Array }],
  });
  const logSoftmax = (row: number[]): number[] => {
    const total = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
    return row.map((z) => z - total);
  };
  const [before, after] = [await rows(graph, 'y', data), await rows(changed, 'y', data)];
  const sum = before.reduce((all, row, i) => {
    const [p, q] = [logSoftmax(row), logSoftmax(after[i]!)];
    return all + p.reduce((kl, log, c) => kl + Math.exp(log) * (log - q[c]!), 0);
  }, 0);
  return sum / data.size;
}

test('taylor is, to second order, twice the KL divergence that leaving a unit out brings', async () => {
  const graph = model();
  const few = examples(2);
  const tensors = memory().numTensors;
  const found = (await scored(graph, 'channel', 'taylor', examples(2, 200))).get('down')!;
  expect(memory().numTensors).toBe(tensors);
  const step = 1e-2;
  for (let unit = 0; unit < channels; unit++) {
    const kl = await divergence(graph, 'down', (entry) => (Math.floor(entry / classes) === unit ? 1 - step : 1), few);
    const expected = (2 * kl) / step ** 2;
    expect(Math.abs(found[unit]! ** 2 * classes - expected)).toBeLessThanOrEqual(0.15 * expected + 1e-6);
  }
});

test('data with NaN are refused', async () => {
  const broken: Dataset = {
    ...examples(1),
    async *batches() {
      yield { inputs: { x: { dtype: 'float32', shape: [1, tokens, hidden], data: new Float32Array(6).fill(NaN) } } };
    },
  };
  await expect(scored(model(), 'unstructured', 'wanda', broken)).rejects.toThrow(
    'prune: "x" takes NaN or infinite values',
  );
  await expect(scored(model(), 'unstructured', 'taylor', broken)).rejects.toThrow(
    'prune: the loss of example 1 must be finite',
  );
});
