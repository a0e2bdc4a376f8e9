import '@tensorflow/tfjs-backend-cpu';
import {
  compress,
  executor,
  makeGraph,
  maskOf,
  quantizerOf,
  symmetric,
  withFakeQuantize,
  withMask,
  type Dataset,
  type Graph,
} from '@cq/core';
import { prune, type PruneOptions } from '@cq/prune';
import { setBackend } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

beforeAll(() => setBackend('cpu'));

const [hidden, heads, channels] = [16, 2, 64];

/** What a graph's masks keep, by the weight they stand on. */
function masks(graph: Graph): Map<string, Float32Array> {
  const found = [...graph.nodes.values()].filter(({ op }) => op === 'CqMask');
  return new Map(found.map(({ inputs }) => [inputs[0]!, graph.weights.get(inputs[1]!)!.data as Float32Array]));
}

async function masksOf(graph: Graph, options: Partial<PruneOptions>, calibration?: Dataset) {
  const result = await compress(graph, [prune(options)], { ...(calibration && { calibration }) });
  return masks(result.graph);
}

/** Mean squared distance of the outputs. */
async function distance(first: Graph, second: Graph, data: Dataset): Promise<number> {
  const models = [first, second].map((graph) => executor(graph));
  let [sum, count] = [0, 0];
  for await (const { inputs } of data.batches(8)) {
    const [a, b] = models.map((model) => {
      const [output] = model.run(inputs);
      const values = output!.dataSync();
      output!.dispose();
      return values;
    });
    a!.forEach((value, i) => (sum += (value - b![i]!) ** 2));
    count += a!.length;
  }
  for (const model of models) model.dispose();
  return sum / count;
}

const zeros = (mask: Float32Array): number => mask.filter((value) => value === 0).length;
const share = (mask: Float32Array): number => zeros(mask) / mask.length;

const layers = ['query', 'key', 'value', 'output', 'widen', 'narrow'];
const matrices = [0, 1].flatMap((block) => layers.map((layer) => `block${block}/${layer}/weight`));

test('without a structure, every matrix of the transformer blocks loses its smallest entries, and nothing else does', async () => {
  const graph = tinyViT({}, 1);
  const found = await masksOf(graph, { sparsity: 0.3 });
  expect([...found.keys()].sort()).toEqual([...matrices].sort());
  for (const [name, mask] of found) {
    const { data } = graph.weights.get(name)!;
    expect(zeros(mask)).toBe(Math.round(0.3 * mask.length));
    const [kept, dropped] = [1, 0].map((keep) => Array.from(data, Math.abs).filter((_, i) => mask[i] === keep));
    expect(Math.max(...dropped!)).toBeLessThanOrEqual(Math.min(...kept!));
  }
});

test('all matrices together lose as much, the smaller ones more', async () => {
  const graph = tinyViT({}, 1);
  const scaled = makeGraph({
    ...graph,
    nodes: graph.nodes.values(),
    weights: [...graph.weights.values()].map((weight) =>
      weight.name === matrices[0] ? { ...weight, data: (weight.data as Float32Array).map((w) => w / 10) } : weight,
    ),
  });
  const found = await masksOf(scaled, { sparsity: 0.25, granularity: 'global' });
  const all = [...found.values()];
  const total = matrices.reduce((sum, name) => sum + graph.weights.get(name)!.data.length, 0);
  expect(all.reduce((sum, mask) => sum + zeros(mask), 0)).toBe(Math.round(0.25 * total));
  expect(share(found.get(matrices[0]!)!)).toBeGreaterThan(0.9);
});

test('every output loses as much if that is asked for', async () => {
  for (const [name, mask] of await masksOf(tinyViT({}, 1), { sparsity: 0.25, granularity: 'per-output' })) {
    const outputs = name.includes('widen') ? channels : hidden;
    for (let output = 0; output < outputs; output++) {
      expect(share(mask.filter((_, i) => i % outputs === output))).toBe(0.25);
    }
  }
});

test('n:m: of every m consecutive inputs of an output at most n are kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 9 }), fc.nat(), async (m, seed) => {
      const n = 1 + (seed % (m - 1));
      for (const [name, mask] of await masksOf(tinyViT({ blocks: 1 }, seed), { structure: 'n:m', n, m })) {
        const outputs = name.includes('widen') ? channels : hidden;
        for (let output = 0; output < outputs; output++) {
          const row = mask.filter((_, i) => i % outputs === output);
          for (let at = 0; at < row.length; at += m) {
            const kept = row.slice(at, at + m);
            expect(kept.length - zeros(kept)).toBeLessThanOrEqual(n);
            if (kept.length === m) expect(zeros(kept)).toBe(m - n);
          }
        }
      }
    }),
    { numRuns: 10 },
  );
});

test('a block is kept or dropped as a whole: outputs × inputs', async () => {
  for (const [name, mask] of await masksOf(tinyViT({}, 1), { structure: 'block', sparsity: 0.5, block: [8, 4] })) {
    const outputs = name.includes('widen') ? channels : hidden;
    const tiles = new Map<string, Set<number>>();
    for (const [i, keep] of mask.entries()) {
      const tile = `${Math.floor((i % outputs) / 8)} ${Math.floor(Math.floor(i / outputs) / 4)}`;
      tiles.set(tile, (tiles.get(tile) ?? new Set()).add(keep));
    }
    expect([...tiles.values()].every(({ size }) => size === 1)).toBe(true);
    expect(share(mask)).toBe(0.5);
  }
});

test('a channel goes with its column, its bias and its row', async () => {
  const found = await masksOf(tinyViT({}, 1), { structure: 'channel', sparsity: 0.25 });
  expect([...found.keys()].sort()).toEqual(
    [0, 1].flatMap((block) => ['narrow/weight', 'widen/bias', 'widen/weight'].map((part) => `block${block}/${part}`)),
  );
  for (const block of [0, 1]) {
    const keep = found.get(`block${block}/widen/bias`)!;
    expect(zeros(keep)).toBe(channels / 4);
    expect(
      [...found.get(`block${block}/widen/weight`)!.entries()].every(([i, value]) => value === keep[i % channels]),
    ).toBe(true);
    const rows = [...found.get(`block${block}/narrow/weight`)!.entries()];
    expect(rows.every(([i, value]) => value === keep[Math.floor(i / hidden)])).toBe(true);
  }
});

test('a head goes with its queries, keys and values, their biases, and its rows', async () => {
  const found = await masksOf(tinyViT({}, 1), { structure: 'head', sparsity: 0.5, only: [/block1/] });
  const parts = ['query', 'key', 'value'].flatMap((part) => [`block1/${part}/weight`, `block1/${part}/bias`]);
  expect([...found.keys()].sort()).toEqual(['block1/output/weight', ...parts].sort());
  const keep = found.get('block1/query/bias')!;
  const depth = hidden / heads;
  expect([zeros(keep.slice(0, depth)), zeros(keep.slice(depth))].sort()).toEqual([0, depth]);
  for (const part of ['query', 'key', 'value']) {
    expect(found.get(`block1/${part}/bias`)).toEqual(keep);
    expect([...found.get(`block1/${part}/weight`)!.entries()].every(([i, value]) => value === keep[i % hidden])).toBe(
      true,
    );
  }
  const rows = [...found.get('block1/output/weight')!.entries()];
  expect(rows.every(([i, value]) => value === keep[Math.floor(i / hidden)])).toBe(true);
});

/** The same graph under names that say nothing. */
function anonymous(graph: Graph): { graph: Graph; names: ReadonlyMap<string, string> } {
  const all = [...graph.nodes.keys(), ...graph.weights.keys()];
  const names = new Map(all.map((name, i) => [name, `n${(i * 7919) % 1009}`]));
  const renamed = (name: string): string => names.get(name) ?? name;
  const made = makeGraph({
    ...graph,
    nodes: [...graph.nodes.values()].map((node) => ({
      ...node,
      name: renamed(node.name),
      inputs: node.inputs.map(renamed),
    })),
    weights: [...graph.weights.values()].map((weight) => ({ ...weight, name: renamed(weight.name) })),
    outputs: graph.outputs.map((output) => ({ ...output, value: renamed(output.value) })),
  });
  return { graph: made, names };
}

test.each(['unstructured', 'n:m', 'block', 'channel', 'head'] as const)('%s: names mean nothing', async (structure) => {
  const graph = tinyViT({}, 3);
  const hiding = anonymous(graph);
  const [plain, hidden] = [await masksOf(graph, { structure }), await masksOf(hiding.graph, { structure })];
  expect(hidden).toEqual(new Map([...plain].map(([name, mask]) => [hiding.names.get(name), mask])));
});

test('a mask only grows: what was dropped stays so, and counts', async () => {
  const graph = tinyViT({}, 1);
  const [name] = matrices as [string];
  const first = Float32Array.from({ length: hidden * hidden }, (_, i) => Number(i >= 40));
  const found = await masksOf(withMask(graph, name, first), { sparsity: 0.5 });
  const mask = found.get(name)!;
  expect(zeros(mask)).toBe((hidden * hidden) / 2);
  expect(zeros(mask.slice(0, 40))).toBe(40);
  const further = await compress(graph, [prune({ sparsity: 0.3 }), prune({ sparsity: 0.6 })]);
  expect(masks(further.graph)).toEqual(await masksOf(graph, { sparsity: 0.6 }));
});

test('a quantized weight is masked in front of its quantizer, which stays', async () => {
  const [name] = matrices as [string];
  const quantized = withFakeQuantize(tinyViT({}, 1), name, symmetric(8, [0.5]));
  const { graph } = await compress(quantized, [prune()]);
  expect(quantizerOf(graph, name)).toEqual(quantizerOf(quantized, name));
  expect(graph.nodes.get(maskOf(graph, name)!.name)!.inputs[0]).toBe(name);
});

test.each(['unstructured', 'n:m', 'block', 'channel', 'head'] as const)(
  '%s: what stays can make up for what goes, by what layers read, under the same masks',
  async (structure) => {
    const graph = tinyViT({}, 1);
    const calibration = noiseImages(12, 8, 'pixels');
    const noise: number[] = [];
    const found = [];
    for (const update of ['none', 'obs'] as const) {
      const result = await compress(graph, [prune({ structure, sparsity: 0.5, score: 'wanda', update })], {
        calibration,
      });
      noise.push(await distance(graph, result.graph, calibration));
      found.push(result);
      for (const { sqnr } of result.report.passes[0]!.changed) {
        const { before, after } = (sqnr ?? { before: 0, after: 0 }) as Record<'before' | 'after', number>;
        expect(after).toBeGreaterThanOrEqual(before);
      }
    }
    const [none, obs] = found;
    expect(masks(obs!.graph)).toEqual(masks(none!.graph));
    expect(noise[1]).toBeLessThan(0.8 * noise[0]!);
  },
);

test('only chooses matrices outside the blocks too; a scope that matches nothing is an error', async () => {
  expect([...(await masksOf(tinyViT({}, 1), { only: ['head/weight'] })).keys()]).toEqual(['head/weight']);
  await expect(masksOf(tinyViT({}, 1), { only: ['ghost'] })).rejects.toThrow('prune: only "ghost" matches none');
  await expect(masksOf(tinyViT({}, 1), { ignore: ['head/weight'] })).rejects.toThrow(
    'ignore "head/weight" matches none',
  );
});

test.each([
  [{ sparsity: 1 }, 'sparsity must be in [0, 1), got 1'],
  [{ sparsity: NaN }, 'sparsity must be in [0, 1), got NaN'],
  [{ score: 'size' }, 'score must be one of magnitude, wanda, taylor, got "size"'],
  [{ structure: 'row' }, 'structure must be one of unstructured, n:m, block, channel, head, got "row"'],
  [{ granularity: 'per-row' }, 'granularity must be one of global, per-layer, per-output, got "per-row"'],
  [
    { structure: 'head', granularity: 'per-output' },
    'granularity per-output goes with structure unstructured, got "head"',
  ],
  [{ n: 4, m: 4 }, 'n:m must be whole numbers, 1 ≤ n < m, got 4:4'],
  [{ update: 'obd' }, 'update must be one of none, obs, got "obd"'],
  [{ block: [8, 0] }, 'block must be two whole numbers [outputs, inputs], got [8,0]'],
])('%j is refused', (options, message) => {
  expect(() => prune(options as Partial<PruneOptions>)).toThrow(`prune: ${message}`);
});

test('scores that look at data ask for them; taylor without gradients says where to get them', async () => {
  await expect(masksOf(tinyViT({}, 1), { score: 'wanda' })).rejects.toThrow(
    'prune (pass 1 of 1) needs calibration data',
  );
  await expect(masksOf(tinyViT({}, 1), { update: 'obs' })).rejects.toThrow('needs calibration data');
  const none: Dataset = { name: 'none', size: 0, async *batches() {} };
  await expect(masksOf(tinyViT({}, 1), { score: 'taylor' }, none)).rejects.toThrow('import @tensorflow/tfjs-layers');
});
