import '@tensorflow/tfjs-backend-cpu';
import { compress, maskOf, quantizerOf, symmetric, withFakeQuantize, withMask, type Graph } from '@cq/core';
import { dropSmall, type DropSmallOptions } from './drop-small.ts';
import { twoLayers } from './two-layers.ts';

const model = twoLayers();
const run = (graph: Graph, options: Partial<DropSmallOptions> = {}) => compress(graph, [dropSmall(options)]);

test('its input stays as it was, and the same inputs give the same graph', async () => {
  const before = structuredClone(model);
  const [first, second] = [await run(model), await run(model)];
  expect(model).toEqual(before);
  expect(second.graph).toEqual(first.graph);
});

test('it says what it changed, and gives the very same graph back when nothing is left to do', async () => {
  const { graph, report } = await run(model);
  expect(report.passes[0]!.changed.map(({ value }) => value)).toEqual(['hidden/w', 'y/w']);
  expect((await run(graph)).graph).toBe(graph);
  expect((await run(graph)).report.passes[0]!.skipped).toHaveLength(2);
});

test('masked stays zero, quantized stays on its levels', async () => {
  const half = Float32Array.from({ length: 256 * 16 }, (_, index) => index % 2);
  const promised = withFakeQuantize(withMask(model, 'y/w', half), 'y/w', symmetric(8, [0.5]));
  const { graph } = await run(promised);
  expect(graph.weights.get(maskOf(graph, 'y/w')!.inputs[1]!)!.data).toEqual(half);
  expect(quantizerOf(graph, 'y/w')).toEqual(quantizerOf(promised, 'y/w'));
});

test('it takes no option or scope that does nothing', async () => {
  expect(() => dropSmall({ below: 0 })).toThrow('drop-small: below must be above 0, got 0');
  await expect(run(model, { only: ['ghost'] })).rejects.toThrow(/only "ghost" matches none of the 2 values/);
});
