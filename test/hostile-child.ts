/**
 * Spoils models and loads them, in a process that may die of it:
 *
 *     hostile-child.ts FOLDER FIRST END        → one line of JSON per mutation FIRST ≤ i < END
 *
 * FOLDER has a sub-folder per sound model; the files in there are spoiled and mended in turn.
 */
import './quiet.cjs';
import '@tensorflow/tfjs-backend-cpu';
import { readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { executor, fromArtifacts, verify, type ArrayTensor, type Graph } from '@cq/core';
import { fromFolder, readArtifacts } from '@cq/core/node';
import { registerLoweredOps } from '@cq/core/runtime';
import { importHuggingFace } from '@cq/import-hf';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { memory, setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { models, mutation, type Files, type ModelName, type Mutation } from './mutations.ts';

/** What became of one mutation. */
export interface Outcome extends Pick<Mutation, 'kind' | 'model' | 'way'> {
  readonly index: number;
  /** `stock`: TensorFlow.js refused it in its own words, on its own behalf, after @cq had nothing against it. */
  readonly became: 'refused' | 'stock' | 'untyped' | 'same' | 'another' | 'died';
  readonly error?: string;
  /** Of processor time. */
  readonly milliseconds: number;
  /** Peak memory of the process above what it had before, in bytes. */
  readonly growth: number;
  /** The largest array that was asked for by its length, in bytes, whether or not it was ever touched. */
  readonly allocated: number;
  /** Bytes of the model as it was spoiled. */
  readonly size: number;
  /** What is there that was not there before: tensors, properties of every object. */
  readonly traces: readonly string[];
}

const [folder, first, end] = process.argv.slice(2) as [string, string, string];
const pathOf = (model: ModelName): string => join(folder, model);

const bases = Object.fromEntries(
  models.map((model) => {
    const names = readdirSync(pathOf(model));
    return [model, new Map(names.map((name) => [name, readFileSync(join(pathOf(model), name))]))];
  }),
) as unknown as Record<ModelName, Files>;

/** Files that do nothing with a model but hand it to stock ops. */
const callsStock = ['execute', 'fake-quantize'];
Error.stackTraceLimit = 50;

let allocated = 0;
watchAllocations();
await setBackend('cpu');
registerLoweredOps();
const sound = new Map<ModelName, string>();
for (let i = 0; i < 3; i++) {
  for (const model of models) sound.set(model, String(await logits(model, 'graph')));
  await logits('int8', 'plain');
}
const properties = Object.getOwnPropertyNames(Object.prototype).length;

for (let index = Number(first); index < Number(end); index++) {
  const spoiled = mutation(index, bases);
  const path = pathOf(spoiled.model);
  for (const [name, content] of spoiled.changes) {
    if (content) writeFileSync(join(path, name), content);
    else rmSync(join(path, name));
  }
  writeSync(1, `${JSON.stringify(await outcomeOf(index, spoiled))}\n`);
  for (const name of spoiled.changes.keys()) writeFileSync(join(path, name), bases[spoiled.model].get(name)!);
}

async function outcomeOf(index: number, { kind, model, way, changes }: Mutation): Promise<Outcome> {
  const size = [...new Map([...bases[model], ...changes]).values()].reduce((sum, file) => sum + (file?.length ?? 0), 0);
  const { numTensors } = memory();
  let result: Pick<Outcome, 'became' | 'error'>;
  allocated = 0;
  forgetPeak();
  const before = process.memoryUsage.rss();
  const start = process.cpuUsage();
  try {
    result = { became: String(await logits(model, way)) === sound.get(model) ? 'same' : 'another' };
  } catch (error) {
    result = refusal(error as Error);
  }
  const { user, system } = process.cpuUsage(start);
  const growth = Math.max(0, process.resourceUsage().maxRSS * 1024 - before);
  const traces: string[] = [];
  if (memory().numTensors !== numTensors) traces.push(`${memory().numTensors - numTensors} tensors`);
  if (Object.getOwnPropertyNames(Object.prototype).length !== properties) traces.push('properties of every object');
  return { index, kind, model, way, ...result, milliseconds: (user + system) / 1000, growth, allocated, size, traces };
}

function refusal({ name, message, stack = '' }: Error): Pick<Outcome, 'became' | 'error'> {
  if (name === 'CqError') return { became: 'refused', error: message.slice(0, 2000) };
  const files = [...stack.matchAll(/packages\/[\w-]+\/src\/([\w/-]+)\.ts/g)].map(([, file]) => file!);
  const became = files.every((file) => callsStock.includes(file)) ? 'stock' : 'untyped';
  return { became, error: `${name}: ${message.slice(0, 2000)}` };
}

async function logits(model: ModelName, way: Mutation['way']): Promise<Float32Array> {
  if (way === 'graph') {
    const runner = executor(await graphOf(model));
    try {
      return taken(runner.run({ [model === 'checkpoint' ? 'pixel_values' : 'pixels']: image(model) }));
    } finally {
      runner.dispose();
    }
  }
  const graph = await loadGraphModel(fromFolder(pathOf(model)));
  const { data, shape } = image(model);
  const pixels = tensor(data, [...shape]);
  try {
    return taken([graph.execute({ pixels }, 'logits') as Tensor]);
  } finally {
    pixels.dispose();
    graph.dispose();
  }
}

async function graphOf(model: ModelName): Promise<Graph> {
  const path = pathOf(model);
  const graph = model === 'checkpoint' ? await importHuggingFace(path) : fromArtifacts(readArtifacts(path), path);
  verify(graph, 'load');
  return graph;
}

function image(model: ModelName): ArrayTensor {
  const side = model === 'checkpoint' ? 32 : 8;
  const data = Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin((i + 1) * 12.9898));
  return { dtype: 'float32', shape: [1, 3, side, side], data };
}

function taken(results: readonly Tensor[]): Float32Array {
  if (!results[0]) throw new Error('TensorFlow.js gave no output');
  const data = Float32Array.from(results[0].dataSync());
  for (const result of results) result.dispose();
  return data;
}

function watchAllocations(): void {
  for (const name of ['ArrayBuffer', 'Float32Array', 'Int32Array', 'Uint8Array', 'Uint16Array'] as const) {
    const width = name === 'ArrayBuffer' ? 1 : globalThis[name].BYTES_PER_ELEMENT;
    globalThis[name] = new Proxy(globalThis[name], {
      construct(target, given: readonly unknown[], made) {
        if (typeof given[0] === 'number' && given[0] * width > allocated) allocated = given[0] * width;
        return Reflect.construct(target, given, made) as object;
      },
    }) as never;
  }
}

/** Where the system can forget a peak, each mutation has its own; elsewhere the largest so far counts. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux.
  }
}
