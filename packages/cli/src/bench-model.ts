import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError, decodeCodes, fromArtifacts, pack, registerAnnotations, type Graph } from '@cq/core';
import { readArtifacts } from '@cq/core/node';
import { io } from '@tensorflow/tfjs-core';
import { timed, type LoadedModel, type TimedModel } from './bench-runtime.ts';
import { tfjsModel, type KernelSet } from './bench-tfjs.ts';
import { kindAt } from './kind-at.ts';
import { loadModel } from './load-model.ts';

/** What a process of `bench` is to do. */
export interface Job {
  /** A folder, or an .onnx file. */
  readonly model: string;
  /** Default: `both` for a model with lowered ops, as it may keep float nodes, else `stock`. */
  readonly kernels?: KernelSet;
  readonly threads: number;
  readonly batch: number;
  readonly seed: number;
}

/** The model ready to be timed. Loads one runtime into the process, which must have no other. */
export async function benchModel(job: Job): Promise<TimedModel> {
  const load = job.model.endsWith('.onnx') ? loadOnnx : loadGraph;
  try {
    return await timed(await load(job), job.batch, job.seed);
  } catch (error) {
    if (error instanceof CqError) throw error;
    const [reason] = String((error as Error).message ?? error).split('\n');
    throw new CqError(`${job.model}: must run, got: ${reason!.slice(0, 300)}`, { cause: error });
  }
}

async function loadOnnx({ model, threads }: Job): Promise<LoadedModel> {
  const { ortModel } = await import('./bench-ort.ts');
  return ortModel(await import('onnxruntime-web'), await readFile(model), threads);
}

async function loadGraph({ model, kernels, threads }: Job): Promise<LoadedModel> {
  const { graph, artifacts } = await read(model);
  const chosen = kernels ?? (isLowered(graph) ? 'both' : 'stock');
  if (chosen !== 'stock') registerAnnotations();
  return tfjsModel(io.fromMemory(artifacts), chosen, threads);
}

/** A TensorFlow.js model stays as it is on disk: `peakBytes` shows what a user's process needs. */
async function read(model: string): Promise<{ readonly graph: Graph; readonly artifacts: io.ModelArtifacts }> {
  const file = join(model, 'model.json');
  if (kindAt(file) === 'a file') {
    const artifacts = readArtifacts(model);
    return { graph: fromArtifacts(artifacts, file), artifacts: decodeCodes(artifacts, file) };
  }
  const graph = await loadModel(model);
  return { graph, artifacts: pack(graph) };
}

const isLowered = ({ nodes }: Graph): boolean => [...nodes.values()].some(({ op }) => op.startsWith('Cq'));
