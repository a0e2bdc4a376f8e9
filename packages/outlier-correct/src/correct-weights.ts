import {
  definePass,
  quantizerOf,
  quantizeWeights,
  select,
  weightOf,
  withFakeQuantize,
  type Node,
  type Scope,
} from '@cq/core';
import { align } from './align.ts';
import { checkBits } from './check-bits.ts';
import { floatActivations } from './float-activations.ts';
import { roundInTurn, type TurnOptions } from './round-in-turn.ts';
import { silent } from './silent.ts';
import { checkTuning, type TuningOptions } from './tune-block.ts';

/** Bits of weights, and how they are rounded. */
export interface CorrectWeightsOptions extends Scope, TurnOptions, TuningOptions {}

/**
 * Quantizes the weights of linear layers, layer by layer, each so that its output changes least on what the layers quantized
 * before feed it; tokens count by their weight. Tables are rounded to the nearest code. At the end norms, biases and scales
 * learn the float model's answers for a number of steps.
 * Source: AOCQ's loss level (reconstruction; methods 5.4), with AdaRound (Nagel et al. 2020) or GPTQ (Frantar et al. 2023).
 */
export const correctWeights = definePass<CorrectWeightsOptions>({
  name: 'correct-weights',
  defaults: {
    ...{ bits: 8, method: 'gptq', tokenWeights: 'energy' },
    ...{ steps: 0, rate: 2e-3, batchSize: 8, heldBack: 0.25 },
  },
  needs: ['calibration'],
  check({ bits, method, tokenWeights, ...tuning }) {
    if (!['energy', 'none'].includes(tokenWeights)) return `tokenWeights must be energy or none, got "${tokenWeights}"`;
    if (!['gptq', 'ada-round'].includes(method)) return `method must be gptq or ada-round, got "${method}"`;
    return checkBits({ bits }) ?? checkTuning(tuning);
  },

  async run(graph, options, context) {
    const float = floatActivations(graph);
    const nearest = await quantizeWeights({ bits: options.bits }).run(graph, silent(context));
    const candidates = [...graph.weights.keys()].filter((name) => quantizerOf(nearest, name));
    const selected = new Set(select('correct-weights', candidates, options));
    const open = new Set<string>();
    for (const name of candidates) {
      if (!selected.has(name)) context.skipped(name, 'outside the scope');
      else if (quantizerOf(graph, name)) context.skipped(name, 'quantized already');
      else open.add(name);
    }
    const wants = ({ inputs }: Node): boolean => open.has(weightOf(float, inputs[1])!.name);
    graph = await roundInTurn(graph, wants, options, context);
    for (const name of open) {
      if (quantizerOf(graph, name)) continue;
      graph = withFakeQuantize(graph, name, quantizerOf(nearest, name)!);
      context.changed(name, { bits: options.bits, method: 'nearest' });
    }
    if (options.steps === 0 || open.size === 0) return graph;
    const aligned = await align(graph, float, [...open], options, context);
    context.changed(graph.outputs[0]!.name, { divergence: { before: aligned.before, after: aligned.after } });
    return aligned.graph;
  },
});
