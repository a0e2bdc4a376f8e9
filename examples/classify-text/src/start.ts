/** `start.js [--model DIR] [--calibration CSV] [--out DIR] [TEXT …]`: a text classifier in 8 bits beside the original. */
import '@cq/backend-wasm';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compress, int8, lower, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { loadTokenizer, sample, textCsv, tokenizerFiles } from '@cq/data';
import { importHuggingFace } from '@cq/import-hf';
import { textClassifier } from '@cq/tasks';
import { setBackend } from '@tensorflow/tfjs-core';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: join(root, '../shared/models/minilm-l6-sst2') },
    calibration: { type: 'string', default: join(root, '../shared/data/sst2/train.csv') },
    out: { type: 'string', default: join(root, 'out/classify-text') },
  },
});
const texts =
  positionals.length > 0
    ? positionals
    : ['a film that stays with you', 'two hours that i want back', 'it has its moments'];

await setBackend('wasm');
const model = await importHuggingFace(values.model);
const tokenizer = await loadTokenizer(values.model);
const { inputs, metadata } = model;
const examples = await textCsv(values.calibration, { tokenizer, inputs, labels: metadata.labels! });
const calibration = sample(examples, Math.min(128, examples.size), 1);
const { graph } = await compress(model, int8(), { calibration, seed: 1 });
const folders = [join(values.out, 'float'), join(values.out, 'int8')] as const;
toFolder(pack(model), folders[0]);
toFolder(pack(lower(graph).graph), folders[1]);

for (const folder of folders) {
  for (const file of tokenizerFiles) copyFileSync(join(values.model, file), join(folder, file));
  const classify = await textClassifier(folder, { top: 1 });
  for (const text of texts) {
    const start = performance.now();
    const [best] = await classify(text);
    const took = (performance.now() - start).toFixed(0);
    console.log(`${basename(folder)}  "${text}": ${best!.label}, ${best!.score.toFixed(2)}  (${took} ms)`);
  }
  classify.dispose();
}
