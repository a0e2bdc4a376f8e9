import type { Dataset } from '@cq/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers'; // registers the gradients
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { adamW } from './adamw.ts';
import { digits } from './digits.ts';
import { distort } from './distort.ts';
import { writeModel } from './model-folder.ts';
import { shuffle } from './shuffle.ts';
import { initialVit, vit, vitShapes, type VitConfig } from './vit.ts';

/** How the model in `model/` comes from nothing, seeded, on one core. */
const recipe = {
  seed: 1,
  epochs: 60,
  batch: 96,
  learningRate: 2e-3,
  warmUpEpochs: 5,
  weightDecay: 0.05,
  labelSmoothing: 0.05,
  /** What is kept is a running average of the weights, with this share of its own past in each step. */
  averaging: 0.998,
  /** The last examples of the training part choose the epoch that is kept. */
  heldOut: 800,
  distortion: { shift: 2, rotation: 12, scale: 0.12, shear: 0.15, wobble: 1.2 },
};

const config = {
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 256,
  image_size: 28,
  num_channels: 1,
  patch_size: 7,
  layer_norm_eps: 1e-12,
  labels: 10,
} satisfies VitConfig;

const folder = new URL('../model/', import.meta.url);
const shapes = vitShapes(config);

type Values = ReadonlyMap<string, Float32Array>;

await tf.setBackend('wasm');
const { training, evaluation } = digits();
const values = initialVit(config, recipe.seed);
const best = await train(values, training);
const { correct } = await score(best, evaluation);
console.log(`${correct} of the ${evaluation.size} evaluation digits (${(100 * correct) / evaluation.size} %)`);

async function train(values: Values, data: Dataset): Promise<Values> {
  const { epochs, batch, warmUpEpochs, averaging, heldOut } = recipe;
  const [images, labels] = await everything(data);
  const [fitted, held] = [range(0, data.size - heldOut), range(data.size - heldOut, data.size)];
  const stepsPerEpoch = Math.floor(fitted.length / batch);
  const random = xoroshiro128plus(recipe.seed + 1);
  const optimizer = adamW(values, recipe.weightDecay, (name) => shapes.get(name)!.length > 1);
  const average = new Map([...values].map(([name, value]) => [name, value.slice()]));
  let best: { readonly average: Values; readonly loss: number } = { average, loss: Infinity };
  let step = 0;
  const started = performance.now();

  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(fitted, random);
    let epochLoss = 0;
    for (let first = 0; first + batch <= fitted.length; first += batch) {
      const chosen = fitted.slice(first, first + batch);
      const pixels = chosen.map((index) => distort(images[index]!, config.image_size, -1, recipe.distortion, random));
      const targets = chosen.map((index) => labels[index]!);
      const { loss, gradients } = lossAndGradients(values, pixels, targets);
      optimizer.step(gradients, learningRate(++step / stepsPerEpoch, warmUpEpochs, epochs));
      const keep = Math.min(averaging, step / (step + 10));
      for (const [name, mean] of average) {
        const value = values.get(name)!;
        for (let i = 0; i < mean.length; i++) mean[i] = keep * mean[i]! + (1 - keep) * value[i]!;
      }
      epochLoss += loss / stepsPerEpoch;
    }
    const check = await score(average, data, held);
    if (check.loss < best.loss) {
      best = { average: new Map([...average].map(([name, value]) => [name, value.slice()])), loss: check.loss };
      await writeModel(folder, config, best.average);
    }
    const minutes = (performance.now() - started) / 60_000;
    console.log(
      `epoch ${epoch}: loss ${epochLoss.toFixed(4)}, held out ${check.loss.toFixed(4)} ` +
        `(${check.correct} of ${heldOut}), ${minutes.toFixed(1)} min, ${((minutes / epoch) * (epochs - epoch)).toFixed(1)} left`,
    );
  }
  return best.average;
}

function learningRate(epoch: number, warmUp: number, epochs: number): number {
  if (epoch < warmUp) return (recipe.learningRate * epoch) / warmUp;
  return (recipe.learningRate * (1 + Math.cos((Math.PI * (epoch - warmUp)) / (epochs - warmUp)))) / 2;
}

function lossAndGradients(
  values: Values,
  images: readonly Float32Array[],
  labels: readonly number[],
): { loss: number; gradients: Values } {
  const weights = variables(values);
  const gradients = new Map<string, Float32Array>();
  let loss = NaN;
  tf.tidy(() => {
    const pixels = tf.tensor(concatenated(images), [images.length, 1, config.image_size, config.image_size]);
    const targets = tf.oneHot(tf.tensor1d([...labels], 'int32'), config.labels);
    const crossEntropy = (): tf.Scalar =>
      tf.losses.softmaxCrossEntropy(targets, vit(config, weights, pixels), undefined, recipe.labelSmoothing);
    const { value, grads } = tf.variableGrads(crossEntropy, [...weights.values()]);
    loss = value.dataSync()[0]!;
    for (const [name, { name: variable }] of weights) gradients.set(name, grads[variable]!.dataSync() as Float32Array);
  });
  tf.dispose([...weights.values()]);
  return { loss, gradients };
}

async function score(
  values: Values,
  data: Dataset,
  indices?: readonly number[],
): Promise<{ correct: number; loss: number }> {
  const weights = variables(values);
  let [correct, loss] = [0, 0];
  for await (const { inputs, labels } of data.batches(100, indices)) {
    const { data: pixels, shape } = inputs['pixel_values']!;
    const logits = tf.tidy(() => vit(config, weights, tf.tensor(pixels, [...shape])));
    const rows = (await logits.array()) as number[][];
    logits.dispose();
    rows.forEach((row, index) => {
      const top = Math.max(...row);
      const label = labels![index]!;
      if (row[label] === top) correct++;
      loss += top - row[label]! + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
    });
  }
  tf.dispose([...weights.values()]);
  return { correct, loss: loss / (indices?.length ?? data.size) };
}

async function everything(data: Dataset): Promise<[images: Float32Array[], labels: number[]]> {
  const [images, labels]: [Float32Array[], number[]] = [[], []];
  for await (const batch of data.batches(1)) {
    images.push(batch.inputs['pixel_values']!.data as Float32Array);
    labels.push(...batch.labels!);
  }
  return [images, labels];
}

/** Variables outlive `tidy`; the tensors they start from must not. */
function variables(values: Values): ReadonlyMap<string, tf.Variable> {
  const variable = (name: string, value: Float32Array) =>
    tf.tidy(() => tf.variable(tf.tensor(value, [...shapes.get(name)!])));
  return new Map([...values].map(([name, value]) => [name, variable(name, value)]));
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
