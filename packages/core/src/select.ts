import { CqError } from './errors.ts';

/** Where a pass may act. A string names one value exactly, a RegExp all values whose names it matches. */
export interface Scope {
  /** Nothing but these. */
  readonly only?: readonly (string | RegExp)[];
  /** Not these, even if `only` names them. */
  readonly ignore?: readonly (string | RegExp)[];
}

/**
 * The candidates within the scope, in order.
 * @throws CqError if an entry of the scope matches no candidate, or nothing is left: both are probable mistakes.
 */
export function select(pass: string, candidates: readonly string[], { only, ignore }: Scope): readonly string[] {
  for (const [option, entries] of Object.entries({ only, ignore })) {
    for (const entry of entries ?? []) {
      if (!candidates.some((name) => matches(entry, name))) {
        throw new CqError(
          `${pass}: ${option} ${entry instanceof RegExp ? entry : `"${entry}"`} matches none of the ${candidates.length} values it could choose from${example(candidates)}`,
        );
      }
    }
  }
  const selected = candidates.filter(
    (name) =>
      (only === undefined || only.some((entry) => matches(entry, name))) &&
      !ignore?.some((entry) => matches(entry, name)),
  );
  if (candidates.length === 0)
    throw new CqError(
      `${pass}: selects nothing; this model has no value of a kind that it changes, leave the pass out`,
    );
  if (selected.length === 0)
    throw new CqError(`${pass}: selects nothing; ${candidates.length} values were there to choose from`);
  return selected;
}

function matches(entry: string | RegExp, name: string): boolean {
  return typeof entry === 'string'
    ? entry === name
    : new RegExp(entry.source, entry.flags.replace(/[gy]/g, '')).test(name);
}

function example(candidates: readonly string[]): string {
  return candidates.length === 0 ? '' : `, such as "${candidates[0]}"`;
}
