import { compress, CqError, lower, pack, weightBytes, type Dataset, type Graph, type Pass } from '@cq/core';
import { randomFeeds, type Signature } from './bench-feeds.ts';
import { knownPasses } from './config.ts';

/** What passes would do, found by running them on noise and training nothing. */
export interface Rehearsal {
  readonly passes: readonly {
    readonly name: string;
    readonly values: readonly string[];
    readonly skipped: readonly { readonly value: string; readonly reason: string }[];
  }[];
  /** Of weights. */
  readonly bytes: { readonly before: number; readonly after: number };
  readonly left: number;
}

/** Numbers do not depend on the data, and neither do the bytes: only where codes lie does. */
export async function rehearse(graph: Graph, passes: readonly Pass[], signal: AbortSignal): Promise<Rehearsal> {
  const noise = noiseFor(graph);
  const data = { calibration: noise, training: noise, evaluation: noise };
  const { graph: annotated, report } = await compress(graph, passes.map(untrained), { ...data, signal });
  const lowered = lower(annotated);
  return {
    passes: report.passes.map(({ name, changed, skipped }) => ({
      ...{ name, skipped, values: [...new Set(changed.map(({ value }) => value))] },
    })),
    bytes: { before: weightBytes(graph), after: (pack(lowered.graph).weightData as ArrayBuffer).byteLength },
    left: lowered.left.length,
  };
}

/** Whether each known pass finds anything to do in a model, alone and with its defaults. */
export async function applicable(
  graph: Graph,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly values: number; readonly reason?: string }[]> {
  const found = [];
  for (const [name, make] of Object.entries(knownPasses)) {
    try {
      const { passes } = await rehearse(graph, [make()], signal);
      const { values, skipped } = passes[0]!;
      found.push({
        name,
        values: values.length,
        ...(values.length === 0 && { reason: skipped[0]?.reason ?? 'nothing to do' }),
      });
    } catch (error) {
      if (!(error instanceof CqError)) throw error;
      found.push({ name, values: 0, reason: error.message.replace(`${name}: `, '') });
    }
  }
  return found;
}

/** The pass without its training, which changes no choice of values. */
function untrained(pass: Pass): Pass {
  const make = knownPasses[pass.name];
  const long = ['iterations', 'steps'].filter((option) => option in pass.options);
  return make && long.length > 0
    ? make({ ...pass.options, ...Object.fromEntries(long.map((name) => [name, 0])) })
    : pass;
}

/** Examples that passes may split. */
const EXAMPLES = 4;

function noiseFor({ inputs }: Graph): Dataset {
  return {
    ...{ name: 'noise', size: EXAMPLES },
    async *batches(_, indices = Array.from({ length: EXAMPLES }, (__, index) => index)) {
      for (const index of indices) yield { inputs: example(inputs as readonly Signature[], index), labels: [0] };
    },
  };
}

function example(inputs: readonly Signature[], index: number): ReturnType<typeof randomFeeds> {
  try {
    return randomFeeds(inputs, 1, index + 1);
  } catch (error) {
    throw new CqError(`compress: --dry-run makes input of its own: ${(error as Error).message}`, { cause: error });
  }
}
