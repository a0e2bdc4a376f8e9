import { createHash } from 'node:crypto';
import { extname, resolve } from 'node:path';
import type { Pass } from '@cq/core';
import { loadConfig, passesFrom } from './config.ts';
import { recipeNamed } from './recipes.ts';
import type { NamedModel, NamedRecipe, SweepConfig } from './sweep-config.ts';
import { version } from './version.ts';

/** What a cell is computed from, as a JSON value: it may go to another machine. Paths are those of the config. */
export interface SweepCell extends Omit<SweepConfig, 'models' | 'recipes' | 'seeds'> {
  readonly model: NamedModel;
  readonly recipe: NamedRecipe;
  readonly seed: number;
}

/** One thing for a process to do. */
export interface SweepJob {
  /** Of its result. */
  readonly fingerprint: string;
  readonly cell: SweepCell;
  /** Only so many passes of the recipe, which begin other cells as well; the whole cell if absent. */
  readonly sharedPasses?: number;
  /** The folder to write to, from that of the config. */
  readonly out: string;
}

/** The place of what a config names. */
export const located = (folder: string, path: string): string =>
  path.startsWith('hf:') ? path : resolve(folder, path);

/** @param folder That of the config file. */
export async function passesOf(given: NamedRecipe, folder: string): Promise<readonly Pass[]> {
  const { name, recipe, config, passes } = given;
  if (recipe === 'none') return [];
  if (recipe !== undefined) return recipeNamed(recipe, 'sweep').passes();
  if (config !== undefined) return loadConfig(resolve(folder, config), given.export);
  return passesFrom(`recipe "${name}"`, { passes });
}

export interface Fingerprints {
  /** Of the graph after each pass: cells that share one share the graph. */
  readonly passes: readonly string[];
  readonly cell: string;
}

/**
 * Hashes of all that results depend on: the contents of files, options, the seed and the version, but neither names nor
 * paths.
 * @param hash The content of what lies at a path, or of a model of the hub.
 */
export async function fingerprintsOf(
  cell: SweepCell,
  passes: readonly Pass[],
  folder: string,
  hash: (path: string) => Promise<string>,
): Promise<Fingerprints> {
  const at = (path: string | undefined): Promise<string> | undefined =>
    path === undefined ? undefined : hash(located(folder, path));
  const { model, recipe, seed, samples, calibration, training, evaluation, limit, reference } = cell;
  const beginning = [version, seed, samples, await hash(located(folder, model.model))];
  const data = [await at(calibration), await at(training)];
  const code = recipe.config !== undefined && extname(recipe.config) === '.mjs' ? await at(recipe.config) : undefined;
  const prefixes: string[] = [];
  for (const { name, options } of passes) {
    prefixes.push(digest([prefixes.at(-1) ?? [beginning, data], name, options, code]));
  }
  return {
    passes: prefixes,
    cell: digest([beginning, data, prefixes.at(-1), recipe.name, await at(evaluation), limit, reference]),
  };
}

const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, (_, inner: unknown) => (inner instanceof RegExp ? String(inner) : inner)))
    .digest('hex')
    .slice(0, 32);
