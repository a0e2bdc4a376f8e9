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

describe.each(['vit', 'deit-distilled'])('%s', (fixture) => {
  test.each(['cpu', 'wasm'])('equals Transformers in every output and hidden state on %s', async (backend) => {
    await tf.setBackend(backend);
    const graph = await importHuggingFace(fixtures + fixture);
    const { tensors } = await readSafetensors(`${fixtures}${fixture}/expected.safetensors`);
    const model = loadGraphModelSync(tf.io.fromMemorySync(toArtifacts(decompose(graph))));
    const pixels = tensors.get('input.pixel_values')!;
    const input = tf.tensor(pixels.data, [...pixels.shape]);

    const names = [...tensors.keys()].filter((name) => !name.startsWith('input.'));
    const values = model.execute({ pixel_values: input }, names.map(valueOf)) as tf.Tensor[];
    const errors = names.map((name, i) => [name, largestError(values[i]!, tensors.get(name)!)] as const);
    const [worst, error] = errors.reduce((a, b) => (a[1] >= b[1] ? a : b));
    process.stdout.write(`${fixture} on ${backend}: largest error ${error.toExponential(1)} in ${worst}\n`);

    expect(names).toEqual(expect.arrayContaining(['output.logits', 'hidden.0', 'hidden.3']));
    expect(errors.filter(([, each]) => !(each < tolerance))).toEqual([]);
    tf.dispose([input, ...values]);
    model.dispose();
  });
});

/** hidden.0 is the embeddings, hidden.n what block n leaves; all of them before the last LayerNorm. */
function valueOf(name: string): string {
  if (name === 'hidden.0') return 'embeddings/AddV2';
  const [kind, rest] = name.split('.') as [string, string];
  return kind === 'hidden' ? `encoder/layer.${Number(rest) - 1}/output/AddV2` : rest;
}

function largestError(actual: tf.Tensor, { shape, data }: Tensor): number {
  expect(actual.shape).toEqual(shape);
  const values = Float32Array.from(actual.dataSync());
  return values.reduce((largest, value, i) => Math.max(largest, Math.abs(value - data[i]!)), 0);
}
