import { didYouMean, int8, int8Dynamic, w4, type Pass } from '@cq/core';
import { hVit, hVitW4 } from '@cq/quant-pot';
import { UsageError } from './usage-error.ts';

export interface Recipe {
  /** One line for the help. */
  readonly summary: string;
  passes(): readonly Pass[];
}

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
};

export function recipeNamed(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name]!;
  const known = Object.keys(recipes);
  throw new UsageError(
    `compress: unknown recipe "${name}"${didYouMean(name, known) || ';'} Known are ${known.join(', ')}`,
  );
}
