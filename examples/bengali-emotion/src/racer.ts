/** A process that runs models with one set of kernels, when its parent says so: ours and TensorFlow.js's cannot share one. */
import { fromFolder } from '@cq/core/node';
import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { Answer, Question } from './race.ts';

const models: GraphModel[] = [];

process.on('message', (question: Question) => {
  void respond(question).then((answer) => process.send!(answer));
});

async function respond(question: Question): Promise<Answer> {
  if (question.kind === 'run') {
    const { model, inputs } = question;
    const times = [1, 2, 3].map(() => timed(models[model]!, inputs));
    return { kind: 'ran', milliseconds: Math.min(...times) };
  }
  tf.enableProdMode();
  if (question.kernels === 'ours') await import('@cq/backend-wasm/register');
  await import(question.kernels === 'ours' ? '@cq/backend-wasm' : '@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  await tf.ready();
  const resident: number[] = [];
  for (const folder of question.folders) {
    const before = tf.memory().numBytes;
    models.push(await loadGraphModel(fromFolder(folder)));
    resident.push(tf.memory().numBytes - before);
  }
  return { kind: 'loaded', resident };
}

/** One inference, the reading of its result included. */
function timed(model: GraphModel, inputs: Extract<Question, { kind: 'run' }>['inputs']): number {
  const names = new Set(model.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => names.has(name))
      .map(([name, { data, shape }]) => [name, tf.tensor(Int32Array.from(data), [...shape], 'int32')]),
  );
  const start = performance.now();
  const outputs = [model.execute(feeds)].flat();
  for (const output of outputs) output.dataSync();
  const milliseconds = performance.now() - start;
  tf.dispose([outputs, feeds]);
  return milliseconds;
}
