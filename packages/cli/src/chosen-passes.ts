import { basename } from 'node:path';
import type { Pass } from '@cq/core';
import { loadConfig } from './config.ts';
import { recipePasses, type RecipeOptions } from './recipes.ts';
import { UsageError } from './usage-error.ts';

export interface Choice extends RecipeOptions {
  readonly recipe?: string;
  readonly config?: string;
}

/** The passes of `--recipe` or `--config`, and what a report calls them. */
export async function chosenPasses(
  command: string,
  { recipe, config, effort, strict }: Choice,
): Promise<{ name: string; passes: readonly Pass[] }> {
  if ((recipe === undefined) === (config === undefined)) {
    const found = recipe === undefined ? 'neither' : 'both';
    throw new UsageError(
      `${command}: either --recipe NAME or --config FILE must be given, got ${found}; see cq ${command} --help`,
    );
  }
  const options = { ...(effort && { effort }), ...(strict && { strict }) };
  if (recipe !== undefined) return { name: recipe, passes: recipePasses(recipe, options, command) };
  const [option] = Object.keys(options);
  if (option !== undefined) throw new UsageError(`${command}: --${option} goes with a --recipe, got --config`);
  return { name: basename(config!), passes: await loadConfig(config!) };
}
