import '@cq/backend-wasm/register';
import {
  annotatedValue,
  canonicalize,
  compress,
  edit,
  int8,
  lower,
  quantizerOf,
  withFakeQuantize,
  type Dataset,
  type Graph,
} from '@cq/core';
import { evaluate, sensitivity, sqnr, type Finding, type Sensitivity } from '@cq/eval';
import { importHuggingFace } from '@cq/import-hf';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { fixture, fixtureData } from './fixture-data.ts';

/** The values of a graph that have a quantizer. */
const quantizedValues = (graph: Graph): string[] =>
  [...graph.nodes.values()].filter(({ op }) => op === 'CqFakeQuantize').map(({ name }) => annotatedValue(graph, name));

beforeAll(() => setBackend('wasm'));

describe.each(['vit', 'bert'])('%s', (name) => {
  let float: Graph;
  let quantized: Graph;
  let data: Dataset;
  let found: Sensitivity;
  const findings: Finding[] = [];
  beforeAll(async () => {
    const model = await importHuggingFace(fixture(name));
    quantized = (await compress(model, int8(), { calibration: await fixtureData(name, 4) })).graph;
    const plain = canonicalize(model);
    const weights = [...plain.weights.keys()].map((weight) => quantized.weights.get(weight)!); // positions have moved
    float = edit(plain, { weights });
    data = await fixtureData(name, 3);
    const before = memory().numTensors;
    found = await sensitivity(quantized, data, {
      screen: 2,
      worst: 6,
      found: (finding) => void findings.push(finding),
    });
    expect(memory().numTensors).toBe(before);
  });

  /** What running the whole float model with just these quantizers says. */
  const direct = async (values: readonly string[]) => {
    const graph = values.reduce((so, value) => withFakeQuantize(so, value, quantizerOf(quantized, value)!), float);
    const { kl, agreement, value } = await evaluate(graph, data, { reference: float });
    return { kl: kl!, agreement: agreement!, accuracy: value };
  };

  test('every loss is that of the whole model run with these quantizers', async () => {
    const all = quantizedValues(quantized);
    const close = (loss: Sensitivity['quantized'], expected: Awaited<ReturnType<typeof direct>>) => {
      expect(loss.kl).toBeCloseTo(expected.kl, 7);
      expect([loss.agreement, loss.accuracy]).toEqual([expected.agreement, expected.accuracy]);
    };
    close(found.quantized, await direct(all));
    const worst = found.values.filter(({ without }) => without);
    expect(worst).toHaveLength(6);
    for (const { value, alone, without } of worst.slice(0, 3)) {
      close(alone, await direct([value]));
      close(without!, await direct(all.filter((other) => other !== value)));
    }
    const [{ block }] = found.blocks as [Sensitivity['blocks'][number]];
    const inside = found.values.filter((value) => value.block === block).map(({ value }) => value);
    close(found.blocks[0]!.alone, await direct(inside));
  });

  test('all values are there, on a few examples; the worst on all, and they come in order', () => {
    expect(found.values.map(({ value }) => value).sort()).toEqual(quantizedValues(quantized).sort());
    expect(found.values.filter(({ alone }) => alone.examples === 3)).toHaveLength(6);
    expect(found.values.filter(({ alone }) => alone.examples === 2)).toHaveLength(found.values.length - 6);
    const order = found.values.map(({ alone }) => alone.kl);
    expect(order).toEqual([...order].sort((a, b) => b - a));
    for (const { sqnr: own, bits } of found.values) expect(own).toBeGreaterThan(bits * 2);
  });

  test('what an earlier run found is not measured again, and gives the same', async () => {
    const again: Finding[] = [];
    const known = findings.slice(0, -3);
    const rest = await sensitivity(quantized, data, {
      ...{ screen: 2, worst: 6, known },
      found: (finding) => void again.push(finding),
    });
    expect(again).toEqual(findings.slice(-3));
    expect(rest).toEqual(found);
  });
});

test('a graph without quantizers, and one that is lowered, are refused', async () => {
  const model = await importHuggingFace(fixture('vit'));
  const data = await fixtureData('vit', 2);
  await expect(sensitivity(model, data)).rejects.toThrow(/sensitivity: the graph has no quantizers/);
  const { graph } = await compress(model, int8(), { calibration: data });
  await expect(sensitivity(lower(graph).graph, data)).rejects.toThrow(/before it is lowered/);
  await expect(sensitivity(graph, data, { limit: 0 })).rejects.toThrow(/limit must be a whole number from 1, got 0/);
  expect(sqnr([2], [1])).toBeCloseTo(6.02, 2);
});
