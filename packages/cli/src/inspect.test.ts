import { join } from 'node:path';
import { build, int8, compress, lower, pack, quantizeUniform } from '@cq/core';
import { toFolder } from '@cq/core/node';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { inspect, type Inspection } from './inspect.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));

test('a float model as JSON', async () => {
  const { code, stdout, stderr } = await cq('inspect', model, '--json');
  expect([code, stderr]).toEqual([0, '']);
  const inspection = JSON.parse(stdout) as Inspection;
  expect(inspection).toMatchObject({
    task: 'image-classification',
    labels: 7,
    inputs: [{ name: 'pixel_values', dtype: 'float32', shape: [-1, 3, 32, 32] }],
    outputs: [{ name: 'logits', dtype: 'float32', shape: [-1, 7] }],
    values: [],
    compression: null,
  });
  expect(inspection.bytes).toBeGreaterThanOrEqual(4 * inspection.parameters);
  expect(inspection.ops).toMatchObject({ MatMul: 20, LayerNorm: 7 });
});

test('for people: task, labels, sizes and operations', async () => {
  const { stdout } = await cq('inspect', model);
  expect(stdout).toMatch(/task +image-classification, 7 labels/);
  expect(stdout).toMatch(/input +pixel_values +float32 \[-1, 3, 32, 32\]/);
  expect(stdout).toMatch(/MatMul +20/);
  expect(stdout).not.toContain('\u001b');
});

/** x · w, both of them quantized, and an output whose sums stay as they are. */
async function linear() {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 2]);
  const w = graph.weight('w', [2, 2], Float32Array.of(1, -0.5, 0.25, 2));
  graph.output('y', graph.node('product', 'MatMul', [x, w]), [-1, 2]);
  const calibration = {
    name: 'ones',
    size: 1,
    async *batches() {
      yield { inputs: { x: { dtype: 'float32' as const, shape: [1, 2], data: Float32Array.of(1, -1) } } };
    },
  };
  await tf.setBackend('cpu');
  return (await compress(graph.graph(), [quantizeUniform()], { calibration })).graph;
}

test('quantizers of an annotated graph, and of the same graph lowered, agree', async () => {
  const annotated = await linear();
  const [activation, weight] = ['x', 'w'].map((name) =>
    inspect(annotated).values.find((value) => value.name === name)!,
  );
  expect(activation).toMatchObject({ op: 'CqFakeQuantize', bits: 8, scale: expect.any(Number) as number });
  expect(weight).toMatchObject({ op: 'CqFakeQuantize', bits: 8, zeroPoint: [0, 0] });

  const lowered = inspect(lower(annotated).graph).values;
  const quantize = lowered.find(({ op }) => op === 'CqQuantize')!;
  expect(quantize).toMatchObject({ bits: 8, scale: activation!.scale, zeroPoint: activation!.zeroPoint });
  const codes = lowered.find(({ op }) => op === 'CqLinear')!;
  expect(codes).toMatchObject({ bits: 8, zeroPoint: 0 });
  for (const [n, scale] of (codes.scale as number[]).entries()) {
    expect(scale).toBeCloseTo((weight!.scale as number[])[n]!, 7);
  }
});

test('a compressed folder shows what it was compressed with', async () => {
  const compression = { recipe: 'int8', seed: 4, samples: 9, version: '1.2.3' };
  const out = join(folder, 'lowered');
  toFolder(pack(lower(await linear()).graph, { task: 'image-classification', compression }), out);
  const { stdout } = await cq('inspect', out, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ labels: 0, compression, ops: { CqLinear: 1 } });
  expect((await cq('inspect', out)).stdout).toContain('with int8, seed 4, 9 calibration examples');
  expect(int8()).toHaveLength(1);
});
