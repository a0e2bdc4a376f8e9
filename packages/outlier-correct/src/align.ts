import {
  capture,
  consumersOf,
  decode,
  edit,
  encode,
  fakeQuantizeOf,
  fit,
  maskedData,
  quantizerOf,
  type Graph,
  type Parameter,
  type PassContext,
  type UniformQuantizer,
  type Weight,
} from '@cq/core';
import { logSoftmax, mean, mul, softmax, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { withHeldBack } from './with-held-back.ts';
import { requireGradients } from './require-gradients.ts';
import type { TuningOptions } from './tune-block.ts';

export interface Aligned {
  readonly graph: Graph;
  /** Mean KL divergence from the float model's answers on held-back data. */
  readonly before: number;
  readonly after: number;
}

const EXPECTED = 'the float answer';

/** Bytes that the inputs and answers may take in memory. */
const MEMORY = 2 ** 30;

/**
 * Trains what a quantized model stores as numbers beside its codes towards the float model's answers: gains and offsets of
 * layer norms, biases, and the scales of the given weights. Codes stay what they are, and nothing is added to what runs.
 * Never worse on held-back data than before.
 * Source: reconstruction; the loss is that of distillation (Hinton et al. 2015) at temperature 1.
 */
export async function align(
  graph: Graph,
  float: Graph,
  weights: readonly string[],
  { steps, rate, batchSize, heldBack: fraction }: TuningOptions,
  { data, seed, signal, progress }: PassContext,
): Promise<Aligned> {
  requireGradients('correct-weights');
  const values = Object.fromEntries(graph.inputs.map(({ name }) => [name, name]));
  const named = { ...values, [EXPECTED]: float.outputs[0]!.value };
  const examples = await capture(float, named, data.calibration!, { batchSize, signal, memory: MEMORY });
  try {
    const { used, held } = withHeldBack(examples, fraction);
    const model = scaledCodes(graph, weights);
    const { value } = model.outputs[0]!;
    const parameters = parametersOf(model, weights);
    let before: number | undefined;
    const fitted = await fit(model, {
      parameters,
      values: [value],
      loss: ({ values: given, batch }) => divergence(batch[EXPECTED]!, given[value]!),
      data: used,
      ...{ steps, batchSize, rate, seed, signal },
      schedule: 'cosine',
      validation: { data: held, every: Math.max(1, Math.ceil(steps / 8)) },
      progress({ best, step }) {
        before ??= best!.loss;
        progress(step, steps);
      },
    });
    const learned = parameters.map(({ name }) => fitted.graph.weights.get(name)!);
    return { graph: withLearned(graph, learned, weights), before: before!, after: fitted.best!.loss };
  } finally {
    await examples.dispose();
  }
}

/** Mean over examples of KL(softmax(expected) ‖ softmax(logits)). */
function divergence(expected: Tensor, logits: Tensor): Tensor {
  const difference = sub(logSoftmax(expected), logSoftmax(logits));
  return mean(sum(mul(softmax(expected), difference), -1));
}

/**
 * Quantized weights as codes times scales, so that gradients reach the scales and leave the codes alone:
 *
 *     weight ─► CqFakeQuantize(scale)     becomes     codes ─► Mul(scale), under its name
 */
function scaledCodes(graph: Graph, weights: readonly string[]): Graph {
  const nodes = [];
  const constants: Weight[] = [];
  for (const name of weights) {
    const weight = graph.weights.get(name)!;
    const node = fakeQuantizeOf(graph, name)!;
    const quantizer = quantizerOf(graph, name) as UniformQuantizer;
    const codes = Float32Array.from(encode(maskedData(graph, weight), weight.shape, quantizer));
    nodes.push({ ...node, op: 'Mul', inputs: node.inputs.slice(0, 2), attrs: {} });
    constants.push({ ...weight, data: codes });
    constants.push({
      ...scaleOf(graph, name),
      shape: quantizer.axis === 0 ? [quantizer.scale.length, 1] : [quantizer.scale.length],
    });
  }
  return edit(graph, { nodes, weights: constants });
}

const scaleOf = (graph: Graph, weight: string): Weight => graph.weights.get(fakeQuantizeOf(graph, weight)!.inputs[1]!)!;

function parametersOf(model: Graph, weights: readonly string[]): Parameter[] {
  const names = new Set<string>();
  for (const { op, inputs } of model.nodes.values()) {
    const constants = op === 'LayerNorm' ? inputs.slice(1) : op === 'BiasAdd' ? inputs.slice(1) : [];
    for (const name of constants) if (model.weights.has(name) && consumersOf(model, name).length === 1) names.add(name);
  }
  for (const weight of weights) names.add(consumersOf(model, weight)[0]!.inputs[1]!);
  return [...names].map((name) => ({ name, rate: rootMeanSquare(model.weights.get(name)!.data as Float32Array) }));
}

/** The trained numbers in the graph that runs: a weight is its codes times what its scales have become. */
function withLearned(graph: Graph, learned: readonly Weight[], weights: readonly string[]): Graph {
  const scales = new Map(weights.map((name) => [scaleOf(graph, name).name, name]));
  const changed = learned.flatMap((constant): Weight[] => {
    const name = scales.get(constant.name);
    if (name === undefined) return [constant];
    const weight = graph.weights.get(name)!;
    const quantizer = quantizerOf(graph, name) as UniformQuantizer;
    const scale = constant.data as Float32Array;
    const codes = encode(weight.data as Float32Array, weight.shape, quantizer);
    return [
      { ...constant, shape: [scale.length] },
      { ...weight, data: decode(codes, weight.shape, { ...quantizer, scale }) },
    ];
  });
  return edit(graph, { weights: changed });
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);
}
