import '@tensorflow/tfjs-backend-cpu';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import { io, memory, setBackend, Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { edit, makeGraph, toArtifacts, type Graph, type Node, type Weight } from '../index.ts';
import { biasBound } from './attention.ts';
import { registerLoweredOps } from './register.ts';

const attrs = {
  ...{ heads: 1, depth: 4, biased: true, windows: 0, masked: false, tokens: 8, logitMultiplier: 0.01, logitBits: 8 },
  ...{ logitZeroPoint: 0, probabilityKind: 'uniform', probabilityBits: 8, probabilityScale: 1 / 255 },
  ...{ outputMultiplier: 0.01, bits: 8, zeroPoint: 0, factor: 0.5 },
  ...{ queryScale: 1, keyScale: 1, valueScale: 1, logitScale: 1, outputScale: 1 },
};

/** Two nodes of attention on one input x [.., 3, 4], with the same constants. */
function attention(): Graph {
  const constant = (name: string, shape: readonly number[], value: (i: number) => number): Weight => ({
    ...{ name, dtype: 'int32', shape },
    data: Int32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => value(i)),
  });
  const node = (name: string, x: string): Node => ({
    ...{ name, op: 'CqAttention', inputs: [x, x, x, 'exponentials', 'levels', 'bias'], attrs },
  });
  return makeGraph({
    nodes: [node('first', 'x'), node('second', 'first')],
    weights: [
      constant('exponentials', [256], (i) => Math.round(1e6 * 0.97 ** i)),
      constant('levels', [256], (i) => i),
      constant('bias', [1, 3, 3], (i) => 10 * i),
    ],
    inputs: [{ name: 'x', dtype: 'bool', shape: [-1, 3, 4] }],
    outputs: [{ name: 'y', value: 'second', dtype: 'bool', shape: [-1, 3, 4] }],
  });
}

/** Runs the model as any page does that knows nothing of graphs. */
function run(graph: Graph, times = 1): void {
  const model = loadGraphModelSync(io.fromMemorySync(toArtifacts(graph)));
  tidy(() => {
    const x = tensor(
      Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      [1, 3, 4],
      'bool',
    );
    for (let i = 0; i < times; i++) model.execute({ x });
  });
  model.dispose();
}

beforeAll(async () => {
  await setBackend('cpu');
  registerLoweredOps();
});

test.each<[name: string, value: number, message: string]>([
  ['exponentials', -1, 'exponentials must be within 0 and 268435455, got -1'],
  ['exponentials', 2 ** 30, 'exponentials must be within 0 and 268435455, got 1073741824'],
  ['levels', 2 ** 15, 'levels must be within -32768 and 32767, got 32768'],
  ['bias', -(2 ** 31), `bias must be within ${-biasBound(4)} and ${biasBound(4)}, got -2147483648`],
])('CqAttention refuses %s with a %d among them', (name, value, message) => {
  const graph = attention();
  const data = (graph.weights.get(name)!.data as Int32Array).slice().fill(value, 5, 6);
  expect(() => run(edit(graph, { weights: [{ ...graph.weights.get(name)!, data }] }))).toThrow(
    `CqAttention: ${message}`,
  );
});

test('constants are read once for that, however many nodes share them and however often they run', () => {
  const read = jest.spyOn(Tensor.prototype, 'dataSync');
  try {
    run(attention(), 3);
    expect(read).toHaveBeenCalledTimes(3);
  } finally {
    read.mockRestore();
  }
});

test('models that run in turns, on batches of any size, keep to their own attributes, and leave nothing behind', () => {
  const rows = (batch: number) =>
    tensor(
      Uint8Array.from({ length: 12 * batch }, (_, i) => 37 * i),
      [batch, 3, 4],
      'bool',
    );
  const graph = attention();
  const halved = edit(graph, {
    nodes: [...graph.nodes.values()].map((node) => ({ ...node, attrs: { ...node.attrs, outputMultiplier: 0.005 } })),
  });
  const load = (of: Graph) => loadGraphModelSync(io.fromMemorySync(toArtifacts(of)));
  const result = (model: ReturnType<typeof load>, batch: number): number[] =>
    tidy(() => Array.from((model.execute({ x: rows(batch) }) as Tensor).dataSync()));
  const alone = [graph, halved].map((of) => {
    const model = load(of);
    const results = [1, 2].map((batch) => result(model, batch));
    model.dispose();
    return results;
  });
  expect(alone[0]).not.toEqual(alone[1]);

  const { numTensors } = memory();
  const models = [load(graph), load(halved)];
  const before = memory().numTensors;
  for (const batch of [2, 1, 1, 2]) {
    models.forEach((model, i) => expect(result(model, batch)).toEqual(alone[i]![batch - 1]));
  }
  expect(memory().numTensors).toBe(before);
  for (const model of models) model.dispose();
  expect(memory().numTensors).toBe(numTensors);
});
