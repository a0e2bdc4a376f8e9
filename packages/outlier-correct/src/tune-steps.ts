import {
  blocks,
  definePass,
  fakeQuantizeOf,
  inputsInTurn,
  quantizerOf,
  rangeMethods,
  region,
  roles,
  select,
  withFakeQuantize,
  type Block,
  type Graph,
  type Parameter,
  type PassContext,
  type Passed,
  type Scope,
} from '@cq/core';
import { checkBits } from './check-bits.ts';
import { initialSteps, type StepCodes } from './initial-steps.ts';
import { requireGradients } from './require-gradients.ts';
import { signalToNoise } from './signal-to-noise.ts';
import { checkTuning, tuneBlock, type TuningOptions } from './tune-block.ts';

/** Quantizers of activations, and how their steps are learned. */
export type TuneStepsOptions = Scope & StepCodes & TuningOptions;

/**
 * Gives activations their quantizers and learns the step of each, block by block: by LSQ's gradient of the squared distance
 * to the float block's output, from the inputs that the quantized blocks before give. Weights take no part.
 * Source: AOCQ's framework level (reconstruction; methods 5.3), on LSQ (Esser et al. 2020).
 */
export const tuneSteps = definePass<TuneStepsOptions>({
  name: 'tune-steps',
  defaults: {
    ...{ activations: 8, range: 'percentile', probabilities: 'square' },
    ...{ steps: 40, rate: 0.02, batchSize: 4, heldBack: 0.25 },
  },
  needs: ['calibration'],
  check({ activations, range, probabilities, ...tuning }) {
    if (!rangeMethods.includes(range)) return `range must be one of ${rangeMethods.join(', ')}, got "${range}"`;
    if (!['square', 'uniform'].includes(probabilities))
      return `probabilities must be square or uniform, got "${probabilities}"`;
    return checkBits({ activations }) ?? checkTuning(tuning);
  },

  async run(graph, options, context) {
    const float = graph;
    const candidates = [...roles(graph, () => true).keys()];
    const selected = new Set(select('tune-steps', candidates, options));
    const quantizers = await initialSteps(graph, options, context);
    const placed = new Set<string>();
    for (const value of candidates) {
      const quantizer = quantizers.get(value);
      if (!selected.has(value)) context.skipped(value, 'outside the scope');
      else if (quantizerOf(graph, value)) context.skipped(value, 'quantized already');
      else if (!quantizer) context.skipped(value, 'nothing quantized reads it');
      else {
        graph = withFakeQuantize(graph, value, quantizer);
        placed.add(value);
      }
    }
    if (placed.size === 0) return graph;
    const begun = graph;
    const tuned = options.steps === 0 ? graph : await tunedInTurn(graph, float, placed, options, context);
    const measured = (given: Graph) =>
      signalToNoise(float, given, [...placed], context.data.calibration!, context.signal);
    const before = await measured(begun);
    const after = tuned === begun ? before : await measured(tuned);
    for (const value of placed) {
      const { bits } = quantizers.get(value)!;
      const scale = { before: stepOf(begun, value), after: stepOf(tuned, value) };
      context.changed(value, { bits, scale, sqnr: { before: before.get(value), after: after.get(value) } });
    }
    return tuned;
  },
});

/** The graph with the steps of its blocks learned, one block after the other. */
async function tunedInTurn(
  graph: Graph,
  float: Graph,
  placed: ReadonlySet<string>,
  options: TuneStepsOptions,
  context: PassContext,
): Promise<Graph> {
  requireGradients('tune-steps');
  const calibration = context.data.calibration!;
  const capturing = { batchSize: options.batchSize, signal: context.signal };
  let passed: { readonly float: Passed; readonly quantized: Passed } | undefined;
  const all = blocks(float).filter((block) => stepsOf(graph, block, placed).length > 0);
  try {
    for (const [done, block] of all.entries()) {
      const parameters = stepsOf(graph, block, placed);
      const [last, current] = [passed, graph];
      passed = {
        float: await inputsInTurn(float, block, calibration, last?.float, capturing),
        quantized: await inputsInTurn(current, block, calibration, last?.quantized, capturing),
      };
      await last?.float.inputs.dispose();
      await last?.quantized.inputs.dispose();
      const teacher = { ...passed.float, graph: float };
      ({ graph } = await tuneBlock(graph, parameters, passed.quantized, teacher, options, context));
      context.progress(done + 1, all.length);
    }
  } finally {
    await passed?.float.inputs.dispose();
    await passed?.quantized.inputs.dispose();
  }
  return graph;
}

/** The scales in a block that are worth learning: those of few bits. */
function stepsOf(graph: Graph, { input, output }: Block, placed: ReadonlySet<string>): Parameter[] {
  return region(graph, input, output).nodes.flatMap((name): Parameter[] => {
    const node = graph.nodes.get(name)!;
    const quantizer =
      node.op === 'CqFakeQuantize' && placed.has(node.inputs[0]!) ? quantizerOf(graph, name) : undefined;
    if (quantizer?.kind !== 'uniform' || quantizer.bits > 8) return [];
    const [scale] = quantizer.scale;
    return [{ name: node.inputs[1]!, rate: scale!, least: scale! / 16 }];
  });
}

function stepOf(graph: Graph, value: string): number {
  const scale = graph.weights.get(fakeQuantizeOf(graph, value)!.inputs[1]!)!.data;
  return scale[0]!;
}
