import {
  blocks,
  canonicalize,
  consumersOf,
  CqError,
  edit,
  randomOf,
  redirect,
  removeDead,
  type Graph,
  type Weight,
} from '@cq/core';
import { gaussian } from './gaussian.ts';
import { narrow } from './narrow.ts';

/** How much smaller than the teacher, and what the student begins with. */
export interface StudentOptions {
  /** How many transformer blocks, or which of the teacher's, from 0. All by default. */
  readonly layers?: number | readonly number[];
  /** Channels of the residual stream. Every other width inside, MLPs and heads among them, changes in proportion. */
  readonly hidden?: number;
  /** Heads of each attention, each as deep as the teacher's. */
  readonly heads?: number;
  /** Where the weights come from: the teacher's most important blocks, channels and heads, or random numbers. */
  readonly initialise?: 'teacher' | 'seed';
  /** Of the random numbers. Default: 1. */
  readonly seed?: number;
}

/**
 * A smaller model with the teacher's inputs, outputs and architecture, found by structure: fewer blocks, narrower ones, or
 * both. Of `layers` blocks the first and the last are taken, the others evenly from between, as in DistilBERT. Of
 * channels and heads those whose weights have the greatest sum of squares stay.
 * @param teacher In float, without masks and quantizers.
 * @throws CqError if the teacher is annotated, has no such blocks, or something in it fixes a width.
 */
export function student(teacher: Graph, options: StudentOptions): Graph {
  const { layers, hidden, heads, initialise = 'teacher', seed = 1 } = options;
  if (!['teacher', 'seed'].includes(initialise))
    throw new CqError(`student: initialise must be teacher or seed, got "${initialise}"`);
  let graph = canonicalize(teacher);
  const annotated = [...graph.nodes.values()].find(({ op }) => op.startsWith('Cq'));
  if (annotated)
    throw new CqError(`student: "${annotated.name}" is ${annotated.op}; make the student of the float model`);
  if (layers !== undefined) graph = shallow(graph, layers);
  if (hidden !== undefined || heads !== undefined) graph = narrow(graph, hidden, heads);
  return initialise === 'seed' ? reset(graph, seed) : graph;
}

/** The graph with some of its blocks; the others are taken out of the stream. */
function shallow(graph: Graph, layers: number | readonly number[]): Graph {
  const all = blocks(graph);
  const kept = typeof layers === 'number' ? spread(layers, all.length) : layers;
  if (kept.length === 0 || kept.some((index) => !Number.isInteger(index) || !all[index]))
    throw new CqError(
      `student: layers must be 1 to ${all.length}, or some of 0 to ${all.length - 1}, got ${JSON.stringify(layers)}`,
    );
  for (const [index, { input, output }] of [...all.entries()].reverse()) {
    if (!kept.includes(index)) graph = edit(graph, redirect(graph, output, input));
  }
  return removeDead(graph);
}

/** The first and the last of `from` and what lies evenly between: 6 of 12 are 0, 2, 4, 7, 9, 11. */
function spread(count: number, from: number): readonly number[] {
  if (!Number.isInteger(count) || count < 1 || count > from) return [];
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (from - 1)) / (count - 1))));
}

/** Deviation of the weights that BERT and ViT begin with. */
const DEVIATION = 0.02;

/** The graph before any training: normal numbers in matrices and tables, norms of 1, biases of 0. */
function reset(graph: Graph, seed: number): Graph {
  const weights = [...graph.weights.values()].flatMap((weight, i): Weight[] => {
    const { name, dtype, shape, data } = weight;
    if (dtype !== 'float32' || shape.length === 0) return [];
    const readers = consumersOf(graph, name);
    const reads = (op: string, input: number): boolean =>
      readers.some((node) => node.op === op && node.inputs[input] === name);
    if (reads('LayerNorm', 1)) return [{ ...weight, data: new Float32Array(data.length).fill(1) }];
    if (reads('LayerNorm', 2) || reads('BiasAdd', 1)) return [{ ...weight, data: new Float32Array(data.length) }];
    return [{ ...weight, data: gaussian(data.length, DEVIATION, randomOf(seed, 4, i)) }];
  });
  return edit(graph, { weights });
}
