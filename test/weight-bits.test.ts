import '@cq/backend-wasm';
import '@tensorflow/tfjs-backend-cpu';
import { compress, encode, lower, maskedData, pack, quantizerOf, quantizeUniform, raise, type Graph } from '@cq/core';
import { fromPanels, layoutOf, panelBytes, storedBits, type LinearAttrs } from '@cq/core/runtime';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { io, setBackend, tensor } from '@tensorflow/tfjs-core';
import { tinyViT } from './tiny-vit.ts';

const [side, seed] = [8, 11];
const model = tinyViT({}, seed);
const pixels = Float32Array.from({ length: 3 * 3 * side * side }, (_, i) => Math.sin(i * 12.9898));

const calibration = {
  name: 'waves',
  size: 3,
  async *batches() {
    yield { inputs: { pixels: { dtype: 'float32' as const, shape: [3, 3, side, side], data: pixels } } };
  },
};

async function logits(graph: Graph, backend: string): Promise<Float32Array> {
  await setBackend(backend);
  const loaded = await loadGraphModel(io.fromMemory(pack(graph)));
  const images = tensor(pixels, [3, 3, side, side]);
  const output = loaded.predict(images) as ReturnType<typeof tensor>;
  const data = (await output.data()) as Float32Array;
  for (const gone of [images, output, loaded]) gone.dispose();
  return data;
}

/** Weights with their attributes, in network order. */
function panelled(graph: Graph): { attrs: LinearAttrs; bytes: Uint8Array }[] {
  return [...graph.nodes.values()]
    .filter(({ op }) => op === 'CqLinear' || op === 'CqPatchEmbed')
    .map(({ inputs, attrs }) => ({
      attrs: attrs as unknown as LinearAttrs,
      bytes: graph.weights.get(inputs[1]!)!.data as Uint8Array,
    }));
}

describe.each([2, 3, 4, 6, 8])('a model with %i-bit weights', (bits) => {
  let annotated: Graph;
  let lowered: Graph;
  beforeAll(async () => {
    await setBackend('wasm');
    annotated = (await compress(model, [quantizeUniform({ weights: bits })], { calibration })).graph;
    lowered = lower(annotated).graph;
  });

  test('stores each code in so many bits, those above 4 in a byte', () => {
    const weights = panelled(lowered);
    expect(weights).toHaveLength(14);
    for (const { attrs, bytes } of weights) {
      const { outputs, inputs, weightBits, layout } = attrs;
      expect([weightBits, layout]).toEqual([storedBits(bits), layoutOf(storedBits(bits))]);
      expect(bytes.length).toBe(panelBytes(outputs, inputs, weightBits));
    }
  });

  test('stores the very codes of its quantizers', () => {
    const codes = (name: string): number[] => {
      const weight = annotated.weights.get(name)!;
      const encoded = encode(maskedData(annotated, weight), weight.shape, quantizerOf(annotated, name)!);
      const [rows, columns] = weight.shape as [number, number];
      return Array.from({ length: rows * columns }, (_, i) => encoded[(i % rows) * columns + Math.floor(i / rows)]!);
    };
    const stored = panelled(lowered).map(({ attrs: { outputs, inputs, weightBits }, bytes }) =>
      Array.from(fromPanels(bytes, outputs, inputs, weightBits)),
    );
    const names = [...annotated.nodes.values()].filter(({ op }) => op === 'MatMul').map(({ inputs }) => inputs[1]!);
    const weights = names.map((name) => annotated.nodes.get(name)!.inputs[0]!);
    expect(stored).toEqual(weights.map(codes));
  });

  test('gives the same bits on both backends, and close ones when it is raised', async () => {
    const reference = await logits(lowered, 'cpu');
    expect(await logits(lowered, 'wasm')).toEqual(reference);
    const raised = await logits(raise(lowered), 'cpu');
    const most = Math.max(...reference.map(Math.abs));
    for (const [i, value] of raised.entries()) expect(Math.abs(value - reference[i]!)).toBeLessThan(0.05 * most);
  });
});
