import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CqError, didYouMean, quantizeDynamic, quantizeUniform, quantizeWeights, type Pass } from '@cq/core';
import { balanceChannels, correctWeights, tuneSteps } from '@cq/outlier-correct';
import { declineBits, quantizeLog2 } from '@cq/quant-log2';
import { quantizePot } from '@cq/quant-pot';
import { z } from 'zod';
import { complaint, readJson } from './config-file.ts';
import { UsageError } from './usage-error.ts';

type PassFactory = (options?: Readonly<Record<string, unknown>>) => Pass;

/** The passes that a JSON config may name. */
export const knownPasses: Readonly<Record<string, PassFactory>> = {
  'quantize-uniform': quantizeUniform as PassFactory,
  'quantize-weights': quantizeWeights as PassFactory,
  'quantize-dynamic': quantizeDynamic as PassFactory,
  'quantize-log2': quantizeLog2 as PassFactory,
  'decline-bits': declineBits as PassFactory,
  'quantize-pot': quantizePot as PassFactory,
  'balance-channels': balanceChannels as PassFactory,
  'tune-steps': tuneSteps as PassFactory,
  'correct-weights': correctWeights as PassFactory,
};

/**
 * The passes of a config file: JSON, or a module with an export that is an array of passes or a function that returns
 * one. Whatever is wrong with it is wrong use.
 * @param from Which export of a module.
 */
export async function loadConfig(file: string, from = 'default'): Promise<readonly Pass[]> {
  if (extname(file) === '.mjs') return passesOfModule(file, from);
  return passesFrom(file, await readJson(file));
}

const fields = (path: readonly PropertyKey[]): readonly string[] =>
  path.length === 0 ? ['passes'] : ['name', 'options'];

/** @param source What errors call the place where the JSON value stands. */
export function passesFrom(source: string, json: unknown): readonly Pass[] {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw complaint(source, json, parsed.error.issues, fields);
  return parsed.data.passes.map(({ name, options }) => passNamed(source, name, options));
}

const schema = z.strictObject(
  {
    passes: z
      .array(
        z.strictObject(
          {
            name: z.string('must be the name of a pass'),
            options: z.record(z.string(), z.unknown(), 'must be an object').default({}),
          },
          'must be { "name", "options" }',
        ),
        'must be a list of passes',
      )
      .min(1, 'must have at least one pass'),
  },
  'must be { "passes": [{ "name", "options" }] }',
);

function passNamed(file: string, name: string, options: Readonly<Record<string, unknown>>): Pass {
  const known = Object.keys(knownPasses);
  if (!Object.hasOwn(knownPasses, name)) {
    throw new UsageError(
      `${file}: unknown pass "${name}"${didYouMean(name, known) || ';'} Known are ${known.join(', ')}`,
    );
  }
  try {
    return knownPasses[name]!(withPatterns(options));
  } catch (error) {
    if (error instanceof CqError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** JSON has no regular expressions: in `only` and `ignore`, "/attention/i" stands for one. */
function withPatterns(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const pattern = (entry: unknown): unknown => {
    const parts = typeof entry === 'string' ? /^\/(.+)\/([a-z]*)$/.exec(entry) : null;
    return parts ? regExp(parts[1]!, parts[2]!) : entry;
  };
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) =>
      ['only', 'ignore'].includes(name) && Array.isArray(value) ? [name, value.map(pattern)] : [name, value],
    ),
  );
}

function regExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw new CqError(
      `a pattern must be a regular expression, got "/${source}/${flags}" (${(error as Error).message})`,
    );
  }
}

async function passesOfModule(file: string, from: string): Promise<readonly Pass[]> {
  const module = (await importModule(file))[from];
  const given: unknown = typeof module === 'function' ? await (module as () => unknown)() : module;
  if (Array.isArray(given) && given.length > 0 && given.every(isPass)) return given;
  throw new UsageError(
    `${file}: the ${from === 'default' ? 'default export' : `export "${from}"`} must be an array of passes, or a function that returns one, got ${describe(given)}`,
  );
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`${file}: must be a module that can be imported, got ${code ? `${code} ` : ''}${message}`);
  }
}

function isPass(value: unknown): value is Pass {
  const { name, run, needs } = (value ?? {}) as Partial<Pass>;
  return typeof name === 'string' && typeof run === 'function' && Array.isArray(needs);
}

function describe(value: unknown): string {
  if (!Array.isArray(value)) return value === undefined ? 'none' : typeof value;
  return value.length === 0 ? 'an empty array' : 'an array with something that is no pass';
}
