import { writeSync } from 'node:fs';
import {
  consumersOf,
  definePass,
  edit,
  quantizeUniform,
  randomOf,
  readSnapshot,
  writeSnapshot,
  type Pass,
  type Weight,
} from '@cq/core';

export interface RoundAtRandomOptions {
  /** The op whose weights are rounded. */
  readonly of: string;
  /** The grid has 2^bits values in every 1. */
  readonly bits: number;
  /** How long one weight takes. */
  readonly milliseconds: number;
}

/**
 * A long pass in small: rounds one weight after the other, up or down at random, and keeps each. It says on stderr which
 * it computes, before and after.
 */
export const roundAtRandom = definePass<RoundAtRandomOptions>({
  name: 'round-at-random',
  defaults: { of: 'MatMul', bits: 6, milliseconds: 5 },
  async run(graph, { of, bits, milliseconds }, { store, seed, signal, changed, progress }) {
    const reads = ({ name }: Weight): boolean => consumersOf(graph, name).some(({ op }) => op === of);
    const weights = [...graph.weights.values()].filter(reads);
    for (const [i, weight] of weights.entries()) {
      signal.throwIfAborted();
      let rounded = store && (await readSnapshot<{ up: number }>(store, String(i)));
      if (!rounded) {
        writeSync(2, `begin ${of} ${i}\n`);
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        const random = randomOf(seed, i);
        const data = Float32Array.from(
          weight.data,
          (value) => Math.floor(value * 2 ** bits + random.uniform()) / 2 ** bits,
        );
        rounded = { state: { up: data.filter((value, at) => value > weight.data[at]!).length }, arrays: { data } };
        if (store) await writeSnapshot(store, String(i), rounded);
        writeSync(2, `end ${of} ${i}\n`);
      }
      graph = edit(graph, { weights: [{ ...weight, data: rounded.arrays['data'] as Float32Array }] });
      changed(weight.name, rounded.state);
      progress(i + 1, weights.length);
    }
    return graph;
  },
});

export const recipe = (): readonly Pass[] => [
  roundAtRandom(),
  quantizeUniform(),
  roundAtRandom({ of: 'BiasAdd', bits: 10 }),
];
