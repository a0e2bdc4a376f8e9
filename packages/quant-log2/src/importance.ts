import {
  edit,
  executor,
  objective,
  randomOf,
  redirect,
  tipOf,
  type ArrayTensor,
  type Block,
  type Dataset,
  type Graph,
  type Random,
} from '@cq/core';
import { mul, sum } from '@tensorflow/tfjs-core';

/** What an error at each token and channel of a block's output counts, with mean 1: row-major [tokens, channels]. */
export interface Importance {
  readonly shape: readonly [tokens: number, channels: number];
  readonly weights: Float32Array;
}

export interface ImportanceOptions {
  readonly indices: readonly number[];
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** The least that an error may count, as a part of the mean. */
const FLOOR = 0.02;

const DIRECTION = 'the direction of the answer';

/**
 * How much the model's answer depends on each place of each block's output: the diagonal of the Gauss–Newton matrix of the
 * Kullback–Leibler divergence between answers, E (Jᵀ u)² with u = √p ⊙ r − p (√p · r), r random signs, averaged over examples.
 * One sweep with one backward run per example serves all blocks.
 * Source: after BRECQ (Li et al. 2021) and APHQ-ViT (Wu et al. 2025), which averages over examples too; the estimator is ours.
 * @returns nothing for blocks whose outputs differ in shape from example to example.
 */
export async function importances(
  graph: Graph,
  blocks: readonly Block[],
  data: Dataset,
  { indices, seed, signal }: ImportanceOptions,
): Promise<ReadonlyMap<string, Importance>> {
  const shapes = await shapesOf(graph, blocks, data, indices);
  const { probed, probes } = withProbes(graph, blocks, shapes);
  const answer = probed.outputs[0]!.value;
  const sums = new Map(probes.map(({ output, shape: [t, c] }) => [output, new Float64Array(t * c)]));
  const zeros = new Map(probes.map(({ probe }) => [probe, probed.weights.get(probe)!.data as Float32Array]));
  const random = randomOf(seed, 3);
  const forward = executor(graph);
  const backward = objective(probed, {
    values: [answer],
    loss: ({ values, batch }) => sum(mul(values[answer]!, batch[DIRECTION]!)),
  });
  try {
    for await (const { inputs } of probes.length > 0 ? data.batches(1, indices) : []) {
      signal.throwIfAborted();
      const [logits, ...others] = forward.run(inputs);
      const direction: ArrayTensor = {
        ...{ dtype: 'float32', shape: logits!.shape },
        data: directionOf(logits!.dataSync<'float32'>(), random),
      };
      for (const tensor of [logits!, ...others]) tensor.dispose();
      const batch = { inputs: { ...inputs, [DIRECTION]: direction } };
      const { gradients } = await backward.gradients(zeros, batch, { step: 0, steps: 1, random });
      for (const { output, probe } of probes) {
        const total = sums.get(output)!;
        gradients.get(probe)!.forEach((slope, i) => (total[i]! += slope * slope));
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    forward.dispose();
    backward.dispose();
  }
  return new Map(probes.map(({ output, shape }) => [output, { shape, weights: normalized(sums.get(output)!) }]));
}

interface Probe {
  readonly output: string;
  /** A constant of zeros that is added to the output. */
  readonly probe: string;
  readonly shape: readonly [tokens: number, channels: number];
}

function withProbes(graph: Graph, blocks: readonly Block[], shapes: ReadonlyMap<string, readonly number[]>) {
  const probes: Probe[] = [];
  for (const { output } of blocks) {
    const [, tokens, channels] = shapes.get(output) ?? [];
    if (tokens === undefined || channels === undefined) continue;
    const probe = `${output}/probe`;
    const value = tipOf(graph, output);
    const moved = redirect(graph, value, `${output}/probed`);
    graph = edit(graph, {
      nodes: [...(moved.nodes ?? []), { name: `${output}/probed`, op: 'AddV2', inputs: [value, probe], attrs: {} }],
      weights: [
        { name: probe, dtype: 'float32', shape: [1, tokens, channels], data: new Float32Array(tokens * channels) },
      ],
      ...(moved.outputs && { outputs: moved.outputs }),
    });
    probes.push({ output, probe, shape: [tokens, channels] });
  }
  return { probed: graph, probes };
}

/** Of the outputs that have the same shape [1, tokens, channels] on two examples. */
async function shapesOf(
  graph: Graph,
  blocks: readonly Block[],
  data: Dataset,
  indices: readonly number[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, readonly number[]>();
  const model = executor(graph);
  const names = blocks.map(({ output }) => output);
  try {
    for await (const { inputs } of data.batches(1, [indices[0]!, indices.at(-1)!])) {
      for (const [i, tensor] of model.run(inputs, names).entries()) {
        const known = found.get(names[i]!);
        const same = known === undefined || known.join() === tensor.shape.join();
        found.set(names[i]!, same && tensor.rank === 3 ? tensor.shape : []);
        tensor.dispose();
      }
    }
  } finally {
    model.dispose();
  }
  return new Map([...found].filter(([, shape]) => shape.length === 3));
}

/** u = √p ⊙ r − p (√p · r), p the softmax of the logits: E u uᵀ = diag p − p pᵀ. */
function directionOf(logits: Float32Array, random: Random): Float32Array {
  const most = logits.reduce((a, b) => (b > a ? b : a), -Infinity);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const total = powers.reduce((a, b) => a + b, 0);
  const signed = powers.map((power) => Math.sqrt(power / total) * (random.uniform() < 0.5 ? -1 : 1));
  const along = signed.reduce((a, root) => a + root, 0);
  return Float32Array.from(signed, (root, i) => root - (powers[i]! / total) * along);
}

/** Their square roots: squared slopes leave all but the class token out, which few examples then fit by heart. */
function normalized(sums: Float64Array): Float32Array {
  const sizes = sums.map(Math.sqrt);
  const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
  if (!(mean > 0)) return new Float32Array(sums.length).fill(1);
  return Float32Array.from(sizes, (value) => (value / mean + FLOOR) / (1 + FLOOR));
}
