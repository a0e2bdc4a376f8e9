import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CqError, didYouMean, quantizeDynamic, quantizeUniform, quantizeWeights, type Pass } from '@cq/core';
import { quantizePot } from '@cq/quant-pot';
import { z } from 'zod';
import { UsageError } from './usage-error.ts';

type PassFactory = (options?: Readonly<Record<string, unknown>>) => Pass;

/** The passes that a JSON config may name. */
const factories: Readonly<Record<string, PassFactory>> = {
  'quantize-uniform': quantizeUniform as PassFactory,
  'quantize-weights': quantizeWeights as PassFactory,
  'quantize-dynamic': quantizeDynamic as PassFactory,
  'quantize-pot': quantizePot as PassFactory,
};

/**
 * The passes of a config file: JSON, or a module whose default export is an array of passes or a function that returns
 * one. Whatever is wrong with it is wrong use.
 */
export async function loadConfig(file: string): Promise<readonly Pass[]> {
  if (extname(file) === '.mjs') return passesOfModule(file);
  const json = await readJson(file);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw complaint(file, json, parsed.error.issues);
  return parsed.data.passes.map(({ name, options }) => passNamed(file, name, options));
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

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const found = error.code === 'ENOENT' ? 'nothing there' : (error.code ?? error.message);
    throw new UsageError(`${file}: a config file is expected, got ${found}; check the path`);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file}: must be JSON, got ${(error as Error).message}`);
  }
}

/** A field too many explains better than the one that is therefore missing. */
function complaint(file: string, json: unknown, issues: readonly z.core.$ZodIssue[]): UsageError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const at = issue.path.length === 0 ? 'the config' : issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? ['passes'] : ['name', 'options'];
    const [key] = issue.keys as [string];
    return new UsageError(
      `${file}: ${at}: unknown field "${key}"${didYouMean(key, known) || ';'} It takes ${known.join(', ')}`,
    );
  }
  const value = issue.path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], json);
  return new UsageError(`${file}: ${at} ${issue.message}, got ${String(JSON.stringify(value)).slice(0, 80)}`);
}

function passNamed(file: string, name: string, options: Readonly<Record<string, unknown>>): Pass {
  const known = Object.keys(factories);
  if (!Object.hasOwn(factories, name)) {
    throw new UsageError(
      `${file}: unknown pass "${name}"${didYouMean(name, known) || ';'} Known are ${known.join(', ')}`,
    );
  }
  try {
    return factories[name]!(withPatterns(options));
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

async function passesOfModule(file: string): Promise<readonly Pass[]> {
  const module = await importModule(file);
  const given: unknown = typeof module === 'function' ? await (module as () => unknown)() : module;
  if (Array.isArray(given) && given.length > 0 && given.every(isPass)) return given;
  throw new UsageError(
    `${file}: the default export must be an array of passes, or a function that returns one, got ${describe(given)}`,
  );
}

async function importModule(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }).default;
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
