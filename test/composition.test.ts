import '@cq/backend-wasm';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import {
  annotatedValue,
  compress,
  definePass,
  executor,
  fit,
  fromArtifacts,
  lower,
  maskOf,
  onLevels,
  pack,
  quantizerOf,
  quantizeUniform,
  select,
  tipOf,
  withMask,
  type Dataset,
  type Graph,
  type Pass,
  type Scope,
} from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { mean, setBackend, square } from '@tensorflow/tfjs-core';
import { exportedPasses } from './exported-passes.ts';
import { fixture, fixtureData } from './fixture-data.ts';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

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

async function expectSameBits(graph: Graph, again: Graph, data: Dataset): Promise<void> {
  for await (const { inputs } of data.batches(1)) {
    const values = [graph, again].map((each) => {
      const model = executor(each);
      const [logits] = model.run(inputs);
      const bits = logits!.dataSync().slice();
      logits!.dispose();
      model.dispose();
      return bits;
    });
    expect(values[1]).toEqual(values[0]);
  }
}

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
    await expectSameBits(graph, again, await fixtureData('vit', 2));
  });

  test('every annotation still stands on the weight it was put on', async () => {
    const graph = await run(passes());
    for (const node of graph.nodes.values()) {
      if (node.op === 'CqMask') expect(graph.weights.has(annotatedValue(graph, node.name))).toBe(true);
    }
  });
});

const names = Object.keys(exportedPasses);
const pairs = names.flatMap((first) => names.filter((other) => other !== first).map((second) => [first, second]));
const noise = noiseImages(4, 8, 'pixels');

const passes = (chosen: readonly string[]): readonly Pass[] =>
  chosen.flatMap((name) => {
    const { factory, options, before = [] } = exportedPasses[name]!;
    return [...before, factory(options)];
  });

async function compressed(chosen: readonly string[]): Promise<Graph> {
  const data = { calibration: noise, training: noise };
  return (await compress(tinyViT({ blocks: 1 }, 1), passes(chosen), data)).graph;
}

/** What the consumers of every annotated weight read. */
async function effective(graph: Graph): Promise<ReadonlyMap<string, Float32Array>> {
  const annotated = [...graph.weights.keys()].filter((name) => tipOf(graph, name) !== name);
  const model = executor(graph);
  const found = new Map<string, Float32Array>();
  for await (const { inputs } of noise.batches(1, [0])) {
    const tensors = model.run(
      inputs,
      annotated.map((name) => tipOf(graph, name)),
    );
    for (const [i, name] of annotated.entries())
      found.set(name, withoutMinusZero(tensors[i]!.dataSync() as Float32Array));
    for (const tensor of tensors) tensor.dispose();
  }
  model.dispose();
  return found;
}

const withoutMinusZero = (values: Float32Array): Float32Array => values.map((x) => x + 0);

async function expectPromisesKept(before: Graph, after: Graph): Promise<void> {
  const read = await effective(after);
  for (const { name } of before.weights.values()) {
    const keep = before.weights.get(maskOf(before, name)?.inputs[1] ?? '')?.data;
    const values = read.get(name) ?? after.weights.get(name)?.data;
    const cut = values?.length !== keep?.length; // by shrink
    if (keep && values && !cut) expect(values.filter((x, i) => keep[i] === 0 && x !== 0)).toHaveLength(0);
  }
  for (const [name, values] of read) {
    const quantizer = quantizerOf(after, name);
    if (quantizer) expect(onLevels(values, after.weights.get(name)!.shape, quantizer)).toEqual(values);
    else expect(before.weights.has(name) && quantizerOf(before, name)).toBeFalsy();
  }
}

/** The annotations of every weight, from it to its consumers. */
function annotationOps(graph: Graph): Record<string, readonly string[]> {
  return Object.fromEntries(
    [...graph.weights.keys()].sort().map((name) => {
      const ops: string[] = [];
      for (let at = tipOf(graph, name); at !== name; at = graph.nodes.get(at)!.inputs[0]!) {
        ops.unshift(graph.nodes.get(at)!.op);
      }
      return [name, ops];
    }),
  );
}

describe.each(pairs)('%s, then %s', (first, second) => {
  let once: Graph;
  let both: Graph;
  beforeAll(async () => {
    once = await compressed([first!]);
    both = await compressed([first!, second!]);
  });

  test('what was zero stays zero, what was on levels stays on them', () => expectPromisesKept(once, both));

  test('masks stand before quantizers, as in the other order', async () => {
    const [one, other] = [annotationOps(both), annotationOps(await compressed([second!, first!]))];
    const shared = Object.keys(one).filter((name) => other[name] && one[name]!.length === other[name].length);
    expect(shared.length).toBeGreaterThan(10);
    for (const name of shared) expect(one[name]).toEqual(other[name]);
  });

  test('both survive training', async () => {
    const matrices = [...both.weights.values()].filter(
      ({ name, shape, dtype }) => dtype === 'float32' && shape.length === 2 && maskOf(both, name)?.inputs[1] !== name,
    );
    const trained = await fit(both, {
      parameters: matrices.map(({ name }) => name),
      values: ['head'],
      loss: ({ values }) => mean(square(values['head']!)),
      ...{ data: noise, steps: 2, batchSize: 2, rate: 0.01, seed: 1 },
    });
    const moved = matrices.filter(({ name, data }) =>
      trained.graph.weights.get(name)!.data.some((x, i) => x !== data[i]),
    );
    expect(moved.length).toBeGreaterThan(0);
    await expectPromisesKept(both, trained.graph);
  });

  test('the model that was packed and read again gives the same bits as the lowered graph', async () => {
    const { graph } = lower(both);
    await expectSameBits(graph, fromArtifacts(pack(graph)), noise);
  });
});
