import type { Dataset } from './dataset.ts';
import { CqError } from './errors.ts';
import type { Graph } from './graph.ts';
import type { Store } from './store.ts';
import { didYouMean } from './suggest.ts';

/** What data are for. */
export type DataRole = 'calibration' | 'training' | 'evaluation';

/** A named step from one graph to the next. `definePass` makes them. */
export interface Pass {
  /** First word of its errors and report lines. */
  readonly name: string;
  /** As resolved: defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly needs: readonly DataRole[];
  run(graph: Graph, context: PassContext): Graph | Promise<Graph>;
}

/** All that a running pass may touch. */
export interface PassContext {
  readonly data: Readonly<Partial<Record<DataRole, Dataset>>>;
  /** Where all randomness comes from. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /**
   * Where a long pass keeps each part that it has finished, by `writeSnapshot`, if the run may go on in another process.
   * What is read there was written whole by this very pass of this very run, and goes when the pass is finished. Lines
   * said about a part are not kept: the pass says them again.
   */
  readonly store?: Store;
  /** Says that a value was changed, and how. */
  changed(value: string, details: Readonly<Record<string, unknown>>): void;
  /** Says that a value was left as it was, and why. */
  skipped(value: string, reason: string): void;
  progress(done: number, total: number): void;
}

/** What a pass is made of: its options with their rules, the data it needs, and what it does. */
export interface PassDefinition<Options extends object> {
  readonly name: string;
  readonly defaults: Options;
  /** Options that exist beside those with a default, such as `only` and `ignore`. */
  readonly optional?: readonly (keyof Options & string)[];
  readonly needs?: readonly DataRole[] | ((options: Options) => readonly DataRole[]);
  /** true, or the rule that an option breaks: `bits must be 2 to 8, got 1`. */
  check?(options: Options): true | string;
  run(graph: Graph, options: Options, context: PassContext): Graph | Promise<Graph>;
}

/** Makes a pass from the options that differ from the defaults. */
export interface PassFactory<Options extends object> {
  (options?: Partial<Options>): Pass;
  /** The name of the passes it makes, by which configuration files ask for them. */
  readonly passName: string;
}

/**
 * Makes the factory of a pass: it merges the defaults, rejects unknown options naming the known ones, and checks.
 * Everything about a pass is in its definition; nothing is registered.
 */
export function definePass<Options extends object>(definition: PassDefinition<Options>): PassFactory<Options> {
  const { name, defaults, optional = ['only', 'ignore'], needs = [], check, run } = definition;
  const known = [...Object.keys(defaults), ...optional];
  const factory = (given: Partial<Options> = {}): Pass => {
    for (const option of Object.keys(given)) {
      if (!known.includes(option)) {
        throw new CqError(
          `${name}: unknown option "${option}"${didYouMean(option, known) || ';'} It takes ${known.join(', ')}`,
        );
      }
    }
    const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const options = { ...defaults, ...chosen } as Options;
    const verdict = check?.(options) ?? true;
    if (verdict !== true) throw new CqError(`${name}: ${verdict}`);
    return {
      name,
      options: options as Readonly<Record<string, unknown>>,
      needs: typeof needs === 'function' ? needs(options) : needs,
      run: (graph, context) => run(graph, options, context),
    };
  };
  return Object.assign(factory, { passName: name });
}
