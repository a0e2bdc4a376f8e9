import '@cq/backend-wasm';
import {
  annotatedValue,
  compress,
  definePass,
  executor,
  fromArtifacts,
  lower,
  maskOf,
  pack,
  quantizerOf,
  quantizeUniform,
  select,
  withMask,
  type Graph,
  type Pass,
  type Scope,
} from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { fixture, fixtureData } from './fixture-data.ts';

beforeAll(() => setBackend('wasm'));

/** Masks the smaller half of every matrix: a stand-in for whatever prunes. */
const halve = definePass<Scope>({
  name: 'halve',
  defaults: {},
  run(graph, options, context) {
    const matrices = [...graph.weights.values()].filter(
      ({ shape, dtype, name }) => shape.length === 2 && dtype === 'float32' && !maskOf(graph, name),
    );
    for (const name of select(
      'halve',
      matrices.map((weight) => weight.name),
      options,
    )) {
      const { data } = graph.weights.get(name)!;
      const middle = Float32Array.from(data, Math.abs).sort()[data.length >> 1]!;
      graph = withMask(
        graph,
        name,
        Float32Array.from(data, (x) => Number(Math.abs(x) >= middle)),
      );
      context.changed(name, { sparsity: 0.5 });
    }
    return graph;
  },
});

/** For every weight with annotations: what stands on it, from the weight to its tip. */
function chains(graph: Graph): Record<string, unknown> {
  return Object.fromEntries(
    [...graph.weights.keys()]
      .filter((name) => maskOf(graph, name) ?? quantizerOf(graph, name))
      .sort()
      .map((name) => {
        const mask = maskOf(graph, name);
        return [name, [mask && graph.weights.get(mask.inputs[1]!)!.data, quantizerOf(graph, name)]];
      }),
  );
}

const orders: readonly (readonly [string, () => readonly Pass[]])[] = [
  ['mask, then quantize', () => [halve({ only: [/query|dense/] }), quantizeUniform()]],
  ['quantize, then mask', () => [quantizeUniform(), halve({ only: [/query|dense/] })]],
];

async function run(passes: readonly Pass[]): Promise<Graph> {
  const model = await importHuggingFace(fixture('vit'));
  return (await compress(model, passes, { calibration: await fixtureData('vit', 4) })).graph;
}

test('either order gives the same chain on every weight', async () => {
  const [first, second] = await Promise.all(orders.map(([, passes]) => run(passes())));
  expect(Object.keys(chains(first!)).length).toBeGreaterThan(10);
  expect(Object.keys(chains(second!))).toEqual(Object.keys(chains(first!)));
  expect(chains(second!)).toEqual(chains(first!));
});

describe.each(orders)('%s', (_, passes) => {
  test('what is masked is zero in the codes', async () => {
    const { graph } = lower(await run(passes()));
    const query = [...graph.weights.values()].filter(
      ({ name, dtype }) => dtype === 'bool' && /query.*weight$/.test(name),
    );
    expect(query.length).toBe(3);
    for (const { data } of query) {
      expect(data.filter((code) => code === 0).length / data.length).toBeGreaterThanOrEqual(0.49);
    }
  });

  test('the model that was packed and read again gives the same bits as the graph that was packed', async () => {
    const { graph } = lower(await run(passes()));
    const again = fromArtifacts(pack(graph));
    for await (const { inputs } of (await fixtureData('vit', 2)).batches(1)) {
      const values = [graph, again].map((each) => {
        const model = executor(each);
        const [logits] = model.run(inputs);
        const data = logits!.dataSync().slice();
        logits!.dispose();
        model.dispose();
        return data;
      });
      expect(values[1]).toEqual(values[0]);
    }
  });

  test('every annotation still stands on the weight it was put on', async () => {
    const graph = await run(passes());
    for (const node of graph.nodes.values()) {
      if (node.op === 'CqMask') expect(graph.weights.has(annotatedValue(graph, node.name))).toBe(true);
    }
  });
});
