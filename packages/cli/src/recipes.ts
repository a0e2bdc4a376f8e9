import { didYouMean, int8, int8Dynamic, w4, type Pass } from '@cq/core';
import { aocqW4A8, aocqW8A8 } from '@cq/outlier-correct';
import { tpVit, tpVitW4A4, tpVitW6A6, type TpVitOptions } from '@cq/quant-log2';
import { hVit, hVitW4 } from '@cq/quant-pot';
import { UsageError } from './usage-error.ts';

/** Passes under a name that users type. */
export interface Recipe {
  /** One line for the help. */
  readonly summary: string;
  /** Which options of the command it takes. */
  readonly takes?: readonly (keyof RecipeOptions)[];
  passes(options?: RecipeOptions): readonly Pass[];
}

export type RecipeOptions = TpVitOptions;

/** The recipes that packages export, by the name that users type. */
export const recipes: Readonly<Record<string, Recipe>> = {
  int8: { summary: '8-bit weights and activations, ranges from calibration data', passes: int8 },
  'int8-dynamic': {
    summary: '8-bit weights, activations quantized row by row while running; no data needed',
    passes: int8Dynamic,
  },
  w4: { summary: '4-bit weights in groups of 32, activations in float; no data needed', passes: w4 },
  'h-vit': {
    summary: 'power-of-two scales, integers only: 8-bit weights and activations, 4-bit attention',
    passes: hVit,
  },
  'h-vit-w4': { summary: 'the same with 4-bit weights', passes: hVitW4 },
  'aocq-w8a8': {
    summary: '8-bit weights and activations whose outliers are balanced first; for models that int8 harms',
    passes: aocqW8A8,
  },
  'aocq-w4a8': { summary: 'the same with 4-bit weights', passes: aocqW4A8 },
  'tp-vit-w6a6': {
    summary: '6-bit weights and activations, each block trained; takes some minutes',
    takes: ['strict'],
    passes: tpVitW6A6,
  },
  'tp-vit-w4a4': {
    summary: 'the same with 4 bits; takes half an hour',
    takes: ['effort', 'strict'],
    passes: tpVitW4A4,
  },
  'tp-vit': {
    summary: 'the same with 3 bits; takes an hour',
    takes: ['effort', 'strict'],
    passes: tpVit,
  },
};

/** @param command Whose error it is if there is no such recipe. */
export function recipeNamed(name: string, command = 'compress'): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name]!;
  const known = Object.keys(recipes);
  throw new UsageError(
    `${command}: unknown recipe "${name}"${didYouMean(name, known) || ';'} Known are ${known.join(', ')}`,
  );
}

/** The passes of a recipe, made with the options that were given for it. */
export function recipePasses(name: string, options: RecipeOptions, command = 'compress'): readonly Pass[] {
  const { takes = [], passes } = recipeNamed(name, command);
  for (const option of Object.keys(options) as (keyof RecipeOptions)[]) {
    if (!takes.includes(option)) {
      const others = Object.keys(recipes).filter((other) => recipes[other]!.takes?.includes(option));
      throw new UsageError(`${command}: ${name} takes no --${option}; ${others.join(', ')} do`);
    }
  }
  return passes(options);
}
