import { decompose, toArtifacts } from '@cq/core';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { fileURLToPath } from 'node:url';
import { importHuggingFace, readSafetensors, type Tensor } from './index.ts';

/** expected.safetensors holds what Transformers computed in Python: `input.*`, `output.*` and `hidden.*`. */
const fixtures = fileURLToPath(new URL('../../../test/fixtures/parity/', import.meta.url));
const tolerance = 1e-4;

/** Which value each tensor of a fixture is, where it is not the output of that name. hidden.0 is the embeddings. */
const values: Readonly<Record<string, (layer: number) => string>> = {
  vit: (layer) => (layer === 0 ? 'embeddings/AddV2' : `encoder/layer.${layer - 1}/output/AddV2`),
  'deit-distilled': (layer) => values['vit']!(layer),
  bert: (layer) =>
    (layer === 0 ? 'embeddings/LayerNorm' : `encoder/layer.${layer - 1}/output/LayerNorm`) + '/LayerNorm',
  swin: (layer) =>
    [
      'embeddings/norm/LayerNorm',
      'encoder/layers.0/downsample/reduction/MatMul',
      'encoder/layers.1/blocks.1/output/AddV2',
    ][layer]!,
  yolos: (layer) => values['vit']!(layer),
  distilbert: (layer) =>
    (layer === 0 ? 'embeddings/LayerNorm' : `transformer/layer.${layer - 1}/output_layer_norm`) + '/LayerNorm',
};

describe.each(Object.keys(values))('%s', (fixture) => {
  test.each(['cpu', 'wasm'])('equals Transformers in every output and hidden state on %s', async (backend) => {
    await tf.setBackend(backend);
    const graph = await importHuggingFace(fixtures + fixture);
    const { tensors } = await readSafetensors(`${fixtures}${fixture}/expected.safetensors`);
    const model = loadGraphModelSync(tf.io.fromMemorySync(toArtifacts(decompose(graph))));
    const inputs = Object.fromEntries(
      graph.inputs.map(({ name, dtype }) => {
        const { data, shape } = tensors.get(`input.${name}`)!;
        return [name, tf.tensor(data, [...shape], dtype)];
      }),
    );
    const names = [...tensors.keys()].filter((name) => !name.startsWith('input.'));
    const results = model.execute(
      inputs,
      names.map((name) => valueOf(fixture, name)),
    ) as tf.Tensor[];
    const errors = names.map((name, i) => [name, largestError(results[i]!, tensors.get(name)!)] as const);
    const [worst, error] = errors.reduce((a, b) => (a[1] >= b[1] ? a : b));
    process.stdout.write(`${fixture} on ${backend}: largest error ${error.toExponential(1)} in ${worst}\n`);

    expect(names).toEqual(expect.arrayContaining(['output.logits', 'hidden.0', 'hidden.2']));
    expect(errors.filter(([, each]) => !(each < tolerance))).toEqual([]);
    tf.dispose([inputs, results]);
    model.dispose();
  });
});

function valueOf(fixture: string, name: string): string {
  const [kind, rest] = name.split('.') as [string, string];
  if (name === 'output.last_hidden_state') return 'layernorm/LayerNorm';
  return kind === 'hidden' ? values[fixture]!(Number(rest)) : rest;
}

function largestError(actual: tf.Tensor, { shape, data }: Tensor): number {
  expect(actual.shape).toEqual(shape);
  const values = Float32Array.from(actual.dataSync());
  return values.reduce((largest, value, i) => Math.max(largest, Math.abs(value - data[i]!)), 0);
}
