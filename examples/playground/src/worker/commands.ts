import {
  compress,
  CqError,
  executor,
  lower,
  pack,
  raise,
  subset,
  weightBytes,
  type ArrayTensor,
  type Graph,
  type PassReport,
} from '@cq/core';
import { loweredOps } from '@cq/core/runtime';
import { imageFromBlob, parsePreprocessing, preprocessedSize, preprocessImage, rgbFromRgba } from '@cq/data/browser';
import { sizeOfModel } from '@cq/eval';
import { zipSync } from 'fflate';
import { passes } from '../passes.ts';
import type {
  Answer,
  BackendName,
  Commands,
  GivenFiles,
  ModelInfo,
  PassChoice,
  Pixels,
  Progress,
  ValueLine,
} from '../protocol.ts';
import { runnableOn, useBackend } from './backends.ts';
import { compare, firstOutput, type Pair } from './compare.ts';
import { digitAt, digitsDataset, readDigits, type Digits } from './digits.ts';
import { modelFiles } from './model-files.ts';
import { openData, textInputsOf, type Opened } from './open-data.ts';
import { openModel } from './open-model.ts';
import { unzipped } from './unzipped.ts';

/** Calibration and comparison of the built-in digits: as many of each as `npm start` takes. */
export const digitsToCalibrate = 128;

/** What the worker does, with the model and data that it holds. */
export function commands(say: (progress: Progress) => void): Commands {
  let model: Graph | undefined;
  let files: GivenFiles | undefined;
  let digits: Digits | undefined;
  let opened: Opened | undefined;
  let pair: Pair | undefined;
  let heldOut: readonly number[] = [];
  let report: readonly PassReport[] = [];

  const pairNow = (): Pair => {
    if (!pair) throw new CqError('compare: there is no compressed model yet; compress one first');
    return pair;
  };
  const modelNow = (): Graph => {
    if (!model) throw new CqError('compress: there is no model yet; open one first');
    return model;
  };

  const compressed = async (float: Graph, chosen: readonly PassChoice[], samples: number, seed: number) => {
    const run = chosen.map(({ name, options }) => passes.get(name)!(options));
    if (!opened && run.some(({ needs }) => needs.length > 0))
      throw new CqError('compress: these passes need calibration data; choose some in step 2');
    const calibration = opened && subset(opened.data, range(0, Math.min(samples, opened.data.size)));
    const { graph, report } = await compress(float, run, {
      ...(calibration && { calibration }),
      seed,
      onProgress: ({ pass, position, passes: count, done, total }) =>
        say({ share: (0.8 * (position - 1 + done / total)) / count, what: `${pass}, pass ${position} of ${count}` }),
    });
    const lowered = lower(graph);
    return { pair: { float, compressed: lowered.graph }, passes: report.passes, left: lowered.left };
  };

  return {
    async openDigits() {
      const [config, preprocessor, weights, bytes] = await Promise.all(
        ['config.json', 'preprocessor_config.json', 'model.safetensors', 'digits.bin'].map(fetched),
      );
      files = new Map([
        ['config.json', config!],
        ['preprocessor_config.json', preprocessor!],
        ['model.safetensors', weights!],
      ]);
      model = await openModel({ name: 'digits', files });
      pair = undefined;
      digits = readDigits(new Uint8Array(await bytes!.arrayBuffer()));
      opened = { data: digitsDataset(digits), labelled: true };
      return {
        model: { ...infoOf('Digits ViT', model), reads: 'digits' },
        data: { name: 'MNIST digits', size: opened.data.size, labelled: true },
      };
    },

    async openModel(given) {
      const whole = await unzipped(given);
      model = await openModel(whole);
      [files, digits, opened, pair] = [whole.files, undefined, undefined, undefined];
      return infoOf(whole.name, model);
    },

    async openData(given) {
      opened = await openData(given, modelNow(), files);
      return { name: given.name, size: opened.data.size, labelled: opened.labelled };
    },

    async compress({ passes: chosen, samples, compared, seed }) {
      const start = performance.now();
      const given = modelNow();
      await useBackend('wasm');
      const made = isCompressed(given)
        ? { pair: { float: raise(given), compressed: given }, passes: [], left: [] }
        : await compressed(given, chosen, samples, seed);
      ({ pair, passes: report } = made);
      const all = opened?.data.size ?? 0;
      const first = isCompressed(given) || all <= samples ? 0 : samples;
      heldOut = range(first, Math.min(all, first + compared));
      const comparison = await this.compare('wasm', heldOut.length);
      return {
        comparison,
        seconds: (performance.now() - start) / 1000,
        values: report.flatMap(linesOf),
        left: made.left.map(({ value, reason }) => ({ value, pass: 'lower', found: reason })),
      };
    },

    async compare(backend, limit) {
      const { data } = opened ?? { data: undefined };
      if (!data) return withoutData(pairNow(), backend);
      return compare(pairNow(), data, heldOut.slice(0, limit), backend, (share) =>
        say({ share: 0.8 + 0.2 * share, what: `comparing both on ${backend}` }),
      );
    },

    async classify(input, backend) {
      const both = pairNow();
      await useBackend(backend);
      const inputs = await inputsOf(input, both.float, files);
      const answers = async (graph: Graph): Promise<Answer[]> => {
        const running = executor(runnableOn(backend, graph));
        try {
          return ranked(await firstOutput(running, graph, inputs), graph.metadata.labels ?? []);
        } finally {
          running.dispose();
        }
      };
      return { float: await answers(both.float), compressed: await answers(both.compressed) };
    },

    async sampleDigit(index) {
      if (!digits) throw new CqError('digits: the built-in model is not open');
      const count = digits.labels.length - digitsToCalibrate;
      return digitAt(digits, digitsToCalibrate + (index % count));
    },

    async zip() {
      const { compressed } = pairNow();
      const inside = modelFiles(pack(compressed, compressed.metadata));
      inside.set('report.json', new TextEncoder().encode(`${JSON.stringify({ passes: report }, undefined, 2)}\n`));
      for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
        const file = files?.get(name);
        if (file) inside.set(name, new Uint8Array(await file.arrayBuffer()));
      }
      return zipSync(Object.fromEntries(inside), { level: 6, mtime: '1980-01-01' });
    },
  };
}

/** Sizes alone, where there is nothing to compare on. */
const withoutData = ({ float, compressed }: Pair, backend: BackendName) => ({
  ...{ backend, count: 0, agreement: 0 },
  float: { bytes: weightBytes(float), milliseconds: 0, logitsSha256: '' },
  compressed: { bytes: weightBytes(compressed), milliseconds: 0, logitsSha256: '' },
});

const isCompressed = ({ nodes }: Graph): boolean => [...nodes.values()].some(({ op }) => loweredOps.has(op));

async function fetched(name: string): Promise<Blob> {
  const response = await fetch(new URL(`digits/${name}`, self.location.href.replace(/assets\/[^/]*$/, '')));
  if (!response.ok) throw new CqError(`digits/${name}: cannot be fetched, got ${response.status}; reload the page`);
  return response.blob();
}

function infoOf(name: string, graph: Graph): ModelInfo {
  const { task = 'unknown', labels = [], preprocessing } = graph.metadata;
  const texts = graph.inputs.some((input) => input.name === 'input_ids');
  const { parameters, bytes } = sizeOfModel(graph);
  return {
    ...{ name, task, parameters, bytes, classes: labels.length, compressed: isCompressed(graph) },
    reads: preprocessing ? 'images' : texts ? 'texts' : 'nothing',
    inputs: graph.inputs.map((input) => `${input.name} ${input.dtype} [${input.shape.join(', ')}]`),
  };
}

async function inputsOf(
  input: Pixels | Blob | string,
  graph: Graph,
  files: GivenFiles | undefined,
): Promise<Readonly<Record<string, ArrayTensor>>> {
  if (typeof input === 'string') {
    const { encode, stack } = await textInputsOf(graph, files);
    return stack([encode(input)]);
  }
  const preprocessing = parsePreprocessing(graph.metadata.preprocessing, 'preprocessor_config.json');
  const image = input instanceof Blob ? await imageFromBlob(input) : rgbFromRgba(input);
  const { height, width } = preprocessedSize(image, preprocessing);
  const shape = [1, preprocessing.channels, height, width];
  return { [graph.inputs[0]!.name]: { dtype: 'float32', shape, data: preprocessImage(image, preprocessing) } };
}

/** The three likeliest classes. */
function ranked(logits: Float32Array, labels: readonly string[]): Answer[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights
    .map((weight, index) => ({ label: labels[index] ?? String(index), share: weight / sum }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
}

function linesOf({ name, changed, skipped }: PassReport): ValueLine[] {
  return [
    ...changed.map(({ value, ...details }) => ({ value, pass: name, found: shown(details) })),
    ...skipped.map(({ value, reason }) => ({ value, pass: name, found: `skipped: ${reason}` })),
  ];
}

const shown = (details: Readonly<Record<string, unknown>>): string =>
  Object.entries(details)
    .map(([key, found]) => {
      if (typeof found === 'number') return `${key} ${Number(found.toPrecision(4))}`;
      return `${key} ${typeof found === 'string' ? found : JSON.stringify(found)}`;
    })
    .join(' · ');

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
