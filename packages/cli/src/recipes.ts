import { didYouMean, int8, type Pass } from '@cq/core';
import { UsageError } from './usage-error.ts';

export interface Recipe {
  /** One line for the help. */
  readonly summary: string;
  passes(): readonly Pass[];
}

/** The recipes that packages export, by the name that users type. */
export const recipes: Readonly<Record<string, Recipe>> = {
  int8: { summary: '8-bit weights and activations, ranges from calibration data', passes: int8 },
};

export function recipeNamed(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name]!;
  const known = Object.keys(recipes);
  throw new UsageError(
    `compress: unknown recipe "${name}"${didYouMean(name, known) || ';'} Known are ${known.join(', ')}`,
  );
}
