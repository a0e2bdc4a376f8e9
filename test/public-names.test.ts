import '@tensorflow/tfjs-backend-cpu';
import {
  build,
  executor,
  fromArtifacts,
  makeGraph,
  symmetric,
  toArtifacts,
  withFakeQuantize,
  type Graph,
} from '@cq/core';
import { setBackend } from '@tensorflow/tfjs-core';

beforeAll(() => setBackend('cpu'));

/** y = 2 · x, where the node that computes it has the name of the output, as converters write it. */
function doubling(): Graph {
  const b = build();
  const x = b.input('x', 'float32', [2]);
  b.output('y', b.node('y', 'Mul', [x, b.weight('two', [2], Float32Array.of(2, 2))]), [2]);
  return b.graph();
}

function y(graph: Graph): number[] {
  const model = executor(graph);
  const [result] = model.run({ x: { dtype: 'float32', shape: [2], data: Float32Array.of(0.3, 0.2) } });
  const values = [...result!.dataSync()];
  model.dispose();
  return values;
}

test('a quantizer on the node that has the name of the output: the output shows the quantized value', () => {
  const quantized = withFakeQuantize(doubling(), 'y', symmetric(2, [1]));
  expect(quantized.outputs).toMatchObject([{ name: 'y', value: 'y/quantize' }]);
  expect(y(quantized)).toEqual([1, 0]);
  expect(y(fromArtifacts(toArtifacts(quantized)))).toEqual([1, 0]);
});

test('two outputs of one name, and an output with the name of an input that it does not show, are refused', () => {
  const graph = doubling();
  const [output] = graph.outputs as [Graph['outputs'][number]];
  const parts = { ...graph, nodes: graph.nodes.values(), weights: [...graph.weights.values()] };
  expect(() => makeGraph({ ...parts, outputs: [output, output] })).toThrow('output "y": names must be unique');
  expect(() => makeGraph({ ...parts, outputs: [{ ...output, name: 'x' }] })).toThrow('"x": names must be unique');
});
