import '@cq/backend-wasm/register';
import '@tensorflow/tfjs-backend-cpu';
import {
  compress,
  encode,
  executor,
  integerOnly,
  lower,
  quantizerOf,
  weightBytes,
  type ArrayTensor,
  type Graph,
} from '@cq/core';
import { registerWasmKernels } from '@cq/backend-wasm';
import { importHuggingFace } from '@cq/import-hf';
import { hVit, hVitW4 } from '@cq/quant-pot';
import { setBackend } from '@tensorflow/tfjs-core';
import { fixture, fixtureData } from './fixture-data.ts';

registerWasmKernels();

type Values = ReadonlyMap<string, Int32Array>;

/** Names of the values that a node of integers gives and that had a quantizer. */
function codedValues(graph: Graph, lowered: Graph): string[] {
  const shifts = [...lowered.nodes.values()].filter(({ op }) => op.startsWith('CqShift'));
  return shifts.map(({ name }) => name).filter((name) => graph.nodes.has(name) && quantizerOf(graph, name));
}

/** Codes of the values in the simulated model: of the floats in front of the quantizers. */
function simulated(graph: Graph, names: readonly string[], inputs: Readonly<Record<string, ArrayTensor>>): Values {
  const model = executor(graph);
  const tensors = model.run(inputs, names);
  const codes = tensors.map((tensor, i) =>
    encode(tensor.dataSync<'float32'>(), tensor.shape, quantizerOf(graph, names[i]!)!),
  );
  for (const tensor of tensors) tensor.dispose();
  model.dispose();
  return new Map(names.map((name, i) => [name, codes[i]!]));
}

/** Codes of the values in the lowered model; its outputs behind them. */
function computed(graph: Graph, names: readonly string[], inputs: Readonly<Record<string, ArrayTensor>>) {
  const model = executor(graph);
  const tensors = [...model.run(inputs, names), ...model.run(inputs)];
  const values = tensors.map((tensor) => ({ dtype: tensor.dtype, data: tensor.dataSync() }));
  for (const tensor of tensors) tensor.dispose();
  model.dispose();
  const codes = names.map((name, i) => {
    const { dtype, data } = values[i]!;
    return [name, Int32Array.from(dtype === 'bool' ? Int8Array.from(data) : data)] as const;
  });
  return { codes: new Map(codes), outputs: values.slice(names.length).map(({ data }) => data) };
}

describe.each(['vit', 'deit-distilled', 'bert', 'distilbert'])('%s', (architecture) => {
  describe.each([
    ['h-vit', hVit],
    ['h-vit-w4', hVitW4],
  ])('%s', (_, recipe) => {
    let graph: Graph;
    let lowered: Graph;
    let inputs: Readonly<Record<string, ArrayTensor>>;

    beforeAll(async () => {
      await setBackend('wasm');
      const model = await importHuggingFace(fixture(architecture));
      const data = await fixtureData(architecture, 8);
      ({ graph } = await compress(model, recipe(), { calibration: data }));
      lowered = lower(graph).graph;
      for await (const batch of data.batches(1, [7])) ({ inputs } = batch);
      expect(weightBytes(lowered)).toBeLessThan(weightBytes(model) / 2);
    });

    test('between the first quantizer and the last dequantizer there is no float', () => {
      expect(integerOnly(lowered)).toBe(true);
      expect(integerOnly(graph)).not.toBe(true);
    });

    test('wasm gives the bytes of the definition, at every node', async () => {
      const names = codedValues(graph, lowered);
      expect(names.length).toBeGreaterThan(10);
      const fast = computed(lowered, names, inputs);
      await setBackend('cpu');
      const defined = computed(lowered, names, inputs);
      await setBackend('wasm');
      expect(defined).toEqual(fast);
    });

    /**
     * A sum of products is the same number in both. Two ops have more digits in one than in the other: LayerNorm normalises with
     * 20 fraction bits, and softmax takes its exponentials from a table of integers. So a code of either may differ by one where
     * the simulated value is next to a tie, and what comes of it behind.
     */
    test('its codes are those of the simulated model, but for ties in a LayerNorm or a softmax', () => {
      const names = codedValues(graph, lowered);
      const [expected, { codes }] = [simulated(graph, names, inputs), computed(lowered, names, inputs)];
      const differing = names.filter((name) => codes.get(name)!.some((code, i) => code !== expected.get(name)![i]));
      const [first] = differing;
      if (first === undefined) return;
      expect(['CqShiftLayerNorm', 'CqShiftAttention']).toContain(lowered.nodes.get(first)!.op);
      const distances = [...codes.get(first)!].map((code, i) => Math.abs(code - expected.get(first)![i]!));
      expect(Math.max(...distances)).toBe(1);
      expect(distances.filter((distance) => distance > 0).length / distances.length).toBeLessThan(0.01);
    });
  });
});
