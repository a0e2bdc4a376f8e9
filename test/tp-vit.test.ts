import '@cq/backend-wasm/register';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import { registerWasmKernels } from '@cq/backend-wasm';
import {
  blocks,
  compress,
  edit,
  encode,
  executor,
  lower,
  memoryStore,
  pack,
  quantizableWeights,
  quantizerOf,
  quantizeUniform,
  weightBytes,
  type Dataset,
  type Graph,
  type Pass,
} from '@cq/core';
import { panelBytes, type LinearAttrs } from '@cq/core/runtime';
import { declineBits, quantizeLog2 } from '@cq/quant-log2';
import { setBackend } from '@tensorflow/tfjs-core';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

registerWasmKernels();
jest.setTimeout(240_000);
beforeAll(() => setBackend('wasm'));

const data = noiseImages(6, 8, 'pixels');
const recipe = (bits: number, options: Parameters<typeof declineBits>[0] = {}): readonly Pass[] => [
  quantizeLog2({ bits }),
  declineBits({ from: bits, to: bits, iterations: 0, ...options }),
  quantizeUniform({ weights: 8, activations: 8 }),
];

async function outputsOf(graph: Graph, examples: Dataset = data): Promise<Float32Array> {
  const model = executor(graph);
  const all: number[] = [];
  for await (const { inputs } of examples.batches(4)) {
    const [output] = model.run(inputs);
    all.push(...output!.dataSync<'float32'>());
    output!.dispose();
  }
  model.dispose();
  return Float32Array.from(all);
}

describe.each([
  [3, { from: 5, iterations: 6, schedule: 'mix' }],
  [4, { from: 6, iterations: 4, schedule: 'step' }],
  [4, { from: 6, iterations: 4, schedule: 'continuous' }],
] as const)('%i bits, declining: %j', (bits, options) => {
  const model = tinyViT({}, 4);
  let graph: Graph;
  let lowered: Graph;
  beforeAll(async () => {
    ({ graph } = await compress(model, recipe(bits, options), { calibration: data, seed: 2 }));
    lowered = lower(graph).graph;
  });

  test('integers from the first quantizer to the last dequantizer, the same on cpu and wasm bit for bit', async () => {
    expect(lower(graph).left.map(({ reason }) => reason)).toEqual(['it is an output of the model']);
    const products = [...lowered.nodes.values()].filter(({ op }) => /MatMul|Attention|Softmax/.test(op));
    expect(products.map(({ op }) => op)).toEqual(['CqAttention', 'CqAttention']);
    const fast = await outputsOf(lowered);
    await setBackend('cpu');
    const defined = await outputsOf(lowered);
    await setBackend('wasm');
    expect(fast).toEqual(defined);
  });

  test('what products of a block read has the target bits; weights of patches and classifier have 8', () => {
    const inside = new Set(blocks(graph).flatMap(({ nodes }) => nodes));
    for (const { name, op, inputs } of graph.nodes.values()) {
      const widths = inputs.slice(0, 2).map((input) => quantizerOf(graph, input)?.bits);
      if (['AttentionLogits', 'AttentionContext'].includes(op)) expect(widths).toEqual([bits, bits]);
      else if (op === 'MatMul' && inside.has(name)) expect(widths).toEqual([bits, bits]);
      else if (op === 'MatMul') expect(widths[1]).toBe(8);
    }
  });

  test(`weights of blocks are stored in ${bits} bits, and are the codes of the simulated model`, () => {
    const stored = [...lowered.nodes.values()].filter(
      ({ op, attrs }) => op === 'CqLinear' && attrs['weightBits'] === bits,
    );
    expect(stored).toHaveLength(12);
    for (const { inputs, attrs } of stored) {
      const { outputs, inputs: rows, weightBits } = attrs as unknown as LinearAttrs;
      expect(lowered.weights.get(inputs[1]!)!.data.byteLength).toBe(panelBytes(outputs, rows, weightBits));
    }
    for (const name of quantizableWeights(graph)) {
      const { data: values, shape } = graph.weights.get(name)!;
      const quantizer = quantizerOf(graph, name)!;
      if (!(values instanceof Float32Array)) continue;
      const codes = encode(values, shape, quantizer);
      expect(Math.max(...codes) - Math.min(...codes)).toBeLessThan(2 ** quantizer.bits);
    }
  });

  test('the integer model says what the simulated one says', async () => {
    expect(await sqnrOf(graph, lowered)).toBeGreaterThan(12);
  });
});

test('norm gains that are exactly 0 crash nothing and cost nothing', async () => {
  const graph = tinyViT({}, 5);
  const dead = edit(graph, {
    weights: [...graph.weights.values()].flatMap((weight) => {
      if (!weight.name.endsWith('gamma')) return [];
      const values = Float32Array.from(weight.data);
      values[3] = 0;
      return [{ ...weight, data: values }];
    }),
  });
  const { graph: quantized } = await compress(dead, recipe(3, { iterations: 2, from: 4 }), { calibration: data });
  expect([...(await outputsOf(lower(quantized).graph))].every(Number.isFinite)).toBe(true);
  const { graph: wide } = await compress(dead, recipe(6), { calibration: data });
  expect(await sqnrOf(dead, wide)).toBeGreaterThan(12);
});

async function sqnrOf(reference: Graph, graph: Graph): Promise<number> {
  const [expected, given] = [await outputsOf(reference), await outputsOf(graph)];
  let [signal, noise] = [0, 0];
  expected.forEach((value, i) => {
    signal += value ** 2;
    noise += (value - given[i]!) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

test('the more bits, the nearer to float (methods 10.2)', async () => {
  const model = tinyViT({}, 6);
  const nearness: number[] = [];
  for (const bits of [3, 4, 6]) {
    const { graph } = await compress(model, recipe(bits), { calibration: data });
    nearness.push(await sqnrOf(model, graph));
  }
  expect(nearness).toEqual([...nearness].sort((a, b) => a - b));
});

test('training lowers the error of every block on held-back examples, or keeps what was there', async () => {
  const options = { from: 4, iterations: 60, heldBack: 32, batchSize: 16, rate: 0.01 };
  const { report } = await compress(tinyViT({}, 7), recipe(3, options), { calibration: noiseImages(192, 8, 'pixels') });
  const lines = report.passes[1]!.changed.flatMap((line) =>
    line['role'] === 'block' ? [line as unknown as { before: number; after: number }] : [],
  );
  expect(lines).toHaveLength(2);
  for (const { before, after } of lines) expect(after).toBeLessThanOrEqual(before);
  expect(lines.some(({ before, after }) => after < before)).toBe(true);
});

test('a run that ends between and within blocks goes on to the same bytes and the same report', async () => {
  const model = tinyViT({}, 8);
  const options = { from: 4, iterations: 60, heldBack: 2, batchSize: 2 };
  const whole = await compress(model, recipe(3, options), { calibration: data, seed: 3 });
  const store = memoryStore();
  for (const stop of [52, 80]) {
    const abort = new AbortController();
    const running = compress(model, recipe(3, options), {
      ...{ calibration: data, seed: 3, store, signal: abort.signal },
      onProgress({ pass, done }) {
        if (pass === 'decline-bits' && done >= stop) abort.abort();
      },
    });
    await expect(running).rejects.toThrow();
  }
  const resumed = await compress(model, recipe(3, options), { calibration: data, seed: 3, store });
  expect(pack(resumed.graph)).toEqual(pack(whole.graph));
  const said = ({ passes }: typeof whole.report) => passes.map(({ changed, skipped }) => ({ changed, skipped }));
  expect(said(resumed.report)).toEqual(said(whole.report));
});

test('small models become smaller', async () => {
  const model = tinyViT({ hidden: 64, heads: 4 }, 9);
  const { graph } = await compress(model, recipe(3), { calibration: data });
  expect(weightBytes(lower(graph).graph)).toBeLessThan(0.25 * weightBytes(model));
});
