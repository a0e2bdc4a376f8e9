import {
  CqError,
  definePass,
  edit,
  executor,
  fit,
  readSnapshot,
  select,
  writeSnapshot,
  type Checkpoint,
  type Graph,
  type Parameter,
} from '@cq/core';
import { getGradient } from '@tensorflow/tfjs-core';
import { withValues } from './answers.ts';
import { digestOf } from './digest.ts';
import { lessonOf } from './lesson.ts';
import { checkOptions, type DistillOptions } from './options.ts';
import { feedsOf, grownMasks, masksOf, withMasks } from './training-masks.ts';
import { trainingLoss } from './training-loss.ts';

const definition = definePass<DistillOptions>({
  name: 'distill',
  defaults: {
    ...{ losses: ['soft', 'labels'], alpha: 0.5, temperature: 2 },
    ...{ steps: 600, batchSize: 32, part: 8, rate: 5e-5, schedule: 'linear', warmUp: 0.1, decay: 0.01 },
  },
  optional: ['teacher', 'layers', 'pruning', 'only', 'ignore'],
  needs: ['training'],
  check: checkOptions,

  async run(given, options, context) {
    const { steps, batchSize, part, rate, schedule, pruning } = options;
    const { graph, pairs, parameters, extra, data } = await lessonOf(given, options, context);
    const selected = select('distill', parameters, options);
    for (const name of parameters) if (!selected.includes(name)) context.skipped(name, 'outside the scope');
    if (steps === 0) {
      for (const name of selected) context.skipped(name, 'no steps');
      return given;
    }
    if (!getGradient('BatchMatMul'))
      throw new CqError(
        'distill: training needs gradients, got none registered; in Node import @tensorflow/tfjs-layers',
      );
    const { signal, seed, store, progress } = context;
    const asked = [...pairs.hidden, ...pairs.attention];
    const model = asked.length > 0 ? executor(options.teacher!) : undefined;
    try {
      const kept = store && (await readSnapshot<Checkpoint['state']>(store, 'fit'));
      let masks = masksOf(given);
      if (kept) masks = new Map([...masks.keys()].map((name) => [name, kept.arrays[`mask/${name}`] as Float32Array]));
      const output = graph.outputs[0]!.value;
      let grown = kept?.state.step ?? 0;
      let written = performance.now();
      const losses = (kept?.arrays['losses'] as Float32Array | undefined) ?? new Float32Array(steps);
      const fitted = await fit(graph, {
        parameters: [...selected, ...extra].map((name): Parameter => {
          const matrix = graph.weights.get(name)!.shape.length > 1;
          return matrix ? { name, decay: options.decay } : { name };
        }),
        values: [...new Set([output, ...asked.map(({ student }) => student)])],
        loss: (inputs) => trainingLoss(inputs, output, pairs, options),
        data: model ? withValues(data, model, [...new Set(asked.map(({ teacher }) => teacher))]) : data,
        ...(pruning && { feeds: () => feedsOf(given, masks) }),
        ...{ steps, batchSize, part, rate, schedule, warmUp: Math.round(options.warmUp * steps), seed, signal },
        progress({ step, loss }) {
          losses[step - 1] = loss;
          progress(step, steps);
        },
        checkpoint: {
          every: pruning?.every ?? EVERY,
          async save({ state, arrays }) {
            const { step } = state;
            if (pruning && step % pruning.every === 0 && step !== grown) {
              const weights = new Map([...masks.keys()].map((name) => [name, valueOf(given, arrays, name)]));
              masks = grownMasks(pruning, { step, steps, weights, masks });
              grown = step;
            }
            if (!store || (performance.now() - written < PAUSE && !signal.aborted)) return;
            const own = Object.fromEntries([...masks].map(([name, mask]) => [`mask/${name}`, mask]));
            await writeSnapshot(store, 'fit', { state, arrays: { ...arrays, ...own, losses } });
            written = performance.now();
          },
        },
        ...(kept && { resume: kept as Checkpoint }),
      });
      const weights = selected.map((name) => fitted.graph.weights.get(name)!);
      for (const { name, data } of weights)
        context.changed(name, { moved: distance(given.weights.get(name)!.data, data) });
      context.changed(output, { curves: [{ loss: meansOf(losses) }] });
      return withMasks(edit(given, { weights }), masks);
    } finally {
      model?.dispose();
    }
  },
});

/**
 * Trains a model by what a teacher makes of the training data: its outputs alone (black box), with temperature; or its
 * hidden states and attention too; and by labels. Whatever stands on the student's weights and values stays: masks,
 * which may grow on the way, and quantizers, through which gradients pass.
 *
 *     L = α · T² · KL(teacher ‖ student) + (1 − α) · CE(labels)      one of them alone counts whole
 *         + mean squared distance of hidden states + mean KL of attention
 *
 * The student is the model that the pass is given: `student` makes one. `only` and `ignore` choose weights by name.
 * Source: Hinton et al. 2015; TinyBERT (Jiao et al. 2020); MiniLM (Wang et al. 2020).
 */
export const distill = Object.assign(
  (options: Partial<DistillOptions> = {}) =>
    definition(options.teacher ? { ...options, teacher: named(options.teacher) } : options),
  { passName: definition.passName },
);

/** Steps between two checkpoints, and milliseconds between two that are written. */
const EVERY = 10;
const PAUSE = 20_000;

/** A teacher that reports and fingerprints show as its digest. */
const named = (graph: Graph): Graph => ({ ...graph, toJSON: () => digestOf(graph) }) as Graph;

/** A weight that is not trained is as it was. */
const valueOf = (graph: Graph, arrays: Checkpoint['arrays'], name: string): Float32Array =>
  arrays[`value/${name}`] ?? (graph.weights.get(name)!.data as Float32Array);

/** ‖after − before‖ / ‖before‖ */
function distance(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let [moved, size] = [0, 0];
  for (let i = 0; i < before.length; i++) {
    moved += (after[i]! - before[i]!) ** 2;
    size += before[i]! ** 2;
  }
  return Math.sqrt(moved / (size || 1));
}

/** Points of a curve that the report draws. */
const POINTS = 40;

/** Of as many equal parts. */
function meansOf(losses: Float32Array): number[] {
  const parts = Math.min(POINTS, losses.length);
  return Array.from({ length: parts }, (_, part) => {
    const some = losses.subarray(
      Math.floor((part * losses.length) / parts),
      Math.floor(((part + 1) * losses.length) / parts),
    );
    return Number((some.reduce((sum, loss) => sum + loss, 0) / some.length).toPrecision(4));
  });
}
