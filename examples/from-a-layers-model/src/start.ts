/** `start.js [--digits N] [--epochs N] [--out DIR]`: trains a model of tf.layers, makes it a graph, and compresses that. */
import '@cq/backend-wasm';
import '@cq/backend-wasm/register';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compress, int8, lower, pack, type Graph } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { evaluate } from '@cq/eval';
import { setBackend } from '@tensorflow/tfjs-core';
import { classifier, learn } from './classifier.ts';
import { digits } from './digits.ts';
import { graphOf } from './graph-of.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values } = parseArgs({
  options: {
    digits: { type: 'string', default: '6000' },
    epochs: { type: 'string', default: '3' },
    out: { type: 'string', default: join(root, 'out/from-a-layers-model') },
  },
});
const training = digits(0, Number(values.digits), 'pixels');
const others = digits(750, 1000, 'pixels');

await setBackend('wasm');
const learner = classifier();
await learn(learner, training, Number(values.epochs));
const float: Graph = { ...graphOf(learner), metadata: { task: 'image-classification', labels: [...'0123456789'] } };
const { graph } = await compress(float, int8(), { calibration: digits(0, 128, 'pixels') });
const integers = lower(graph).graph;
toFolder(pack(integers), values.out);

for (const [name, model] of Object.entries({ float, int8: integers })) {
  const { correct, count } = await evaluate(model, others, { batchSize: 100 });
  const bytes = (pack(model).weightData as ArrayBuffer).byteLength.toLocaleString('en-US');
  console.log(`${name.padEnd(6)} ${correct} of ${count} right, ${bytes} bytes`);
}
