import { basename, extname } from 'node:path';
import { z } from 'zod';
import { complaint, readJson } from './config-file.ts';
import { UsageError } from './usage-error.ts';

/** Which models meet which recipes, and on which data. Paths start from the folder of the config file. */
export interface SweepConfig {
  readonly models: readonly NamedModel[];
  readonly recipes: readonly NamedRecipe[];
  readonly seeds: readonly number[];
  readonly calibration?: string | undefined;
  /** Calibration examples. */
  readonly samples: number;
  readonly training?: string | undefined;
  readonly evaluation: string;
  /** Evaluation examples, the first so many. */
  readonly limit?: number | undefined;
  /** Whether outputs are compared with those of the model as it came. */
  readonly reference: boolean;
}

export interface NamedModel {
  readonly name: string;
  /** MODEL of every command. */
  readonly model: string;
}

/** A recipe by one of: its name in `recipes`, or `none`; a config file of `compress`; its passes. */
export interface NamedRecipe {
  readonly name: string;
  readonly recipe?: string | undefined;
  readonly config?: string | undefined;
  /** Which export of a config that is a module. */
  readonly export?: string | undefined;
  readonly passes?: readonly unknown[] | undefined;
}

export async function readSweepConfig(file: string): Promise<SweepConfig> {
  const json = await readJson(file);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw complaint(file, json, parsed.error.issues, fields);
  const config = { ...parsed.data, models: parsed.data.models.map(model), recipes: parsed.data.recipes.map(recipe) };
  requireDifferent(file, 'models', config.models);
  requireDifferent(file, 'recipes', config.recipes);
  return config;
}

const text = (what: string) => z.string(`must be ${what}`).min(1, `must be ${what}`);
const whole = (from: number) =>
  z.int(`must be a whole number from ${from}`).min(from, `must be a whole number from ${from}`);

const modelForms = 'must be a MODEL, or { "name", "model" }';
const recipeForms =
  'must be the name of a recipe, "none", a config file of cq compress, or { "name" } with one of "recipe", "config" and "passes"';

const schema = z.strictObject(
  {
    models: z
      .array(
        z.union([text('a MODEL'), z.strictObject({ name: text('a name'), model: text('a MODEL') })], modelForms),
        'must be a list of models',
      )
      .min(1, 'must have at least one model'),
    recipes: z
      .array(
        z.union(
          [
            text('a recipe'),
            z
              .strictObject({
                name: text('a name'),
                recipe: z.string().optional(),
                config: z.string().optional(),
                export: z.string().optional(),
                passes: z.array(z.unknown()).optional(),
              })
              .refine(
                ({ recipe, config, passes }) => [recipe, config, passes].filter(Boolean).length === 1,
                recipeForms,
              ),
          ],
          recipeForms,
        ),
        'must be a list of recipes',
      )
      .min(1, 'must have at least one recipe'),
    seeds: z.array(whole(0), 'must be a list of whole numbers').min(1, 'must have at least one seed').default([1]),
    calibration: text('DATA').optional(),
    samples: whole(1).default(128),
    training: text('DATA').optional(),
    evaluation: text('DATA, to tell the cells apart by'),
    limit: whole(1).optional(),
    reference: z.boolean('must be true or false').default(true),
  },
  'must be { "models", "recipes", "evaluation", … }',
);

const fields = (): readonly string[] => Object.keys(schema.shape);

function model(given: string | NamedModel): NamedModel {
  return typeof given === 'string' ? { name: basename(given), model: given } : given;
}

function recipe(given: string | NamedRecipe): NamedRecipe {
  if (typeof given !== 'string') return given;
  const extension = extname(given);
  if (!['.json', '.mjs'].includes(extension)) return { name: given, recipe: given };
  return { name: basename(given, extension), config: given };
}

function requireDifferent(file: string, what: string, list: readonly { readonly name: string }[]): void {
  const twice = list.find(({ name }, i) => list.findIndex((other) => other.name === name) < i);
  if (!twice) return;
  throw new UsageError(
    `${file}: ${what} must have different names, got "${twice.name}" twice; give { "name", … } to one of them`,
  );
}
