import type { WeightGroup } from './weight-groups.ts';

/** A recipe as a config file of `cq compress` has it. */
export interface PassConfig {
  readonly passes: readonly { readonly name: string; readonly options: Readonly<Record<string, unknown>> }[];
}

/** What a group of weights may have; 32 is float. */
export const widths = [32, 8, 4, 3] as const;

/** The recipe that gives each group the bits at its place. Activations have 8 bits wherever what they meet has codes. */
export function mixedRecipe(groups: readonly WeightGroup[], bits: readonly number[]): PassConfig {
  const having = (width: number): string[] => groups.flatMap(({ weights }, i) => (bits[i] === width ? weights : []));
  const few = ([3, 4] as const).flatMap((width) => {
    const only = having(width);
    return only.length === 0 ? [] : [{ name: 'quantize-weights', options: { bits: width, range: 'mse', only } }];
  });
  const float = having(32);
  const rest = { name: 'quantize-uniform', options: { ...(float.length > 0 && { ignore: float }) } };
  return { passes: [...few, rest] };
}

/** How many weights have how many bits. */
export const weightsByBits = (groups: readonly WeightGroup[], bits: readonly number[]): Record<string, number> =>
  Object.fromEntries(
    [...widths]
      .reverse()
      .map((width) => [
        width,
        groups.reduce((sum, { weights }, i) => sum + (bits[i] === width ? weights.length : 0), 0),
      ]),
  );
