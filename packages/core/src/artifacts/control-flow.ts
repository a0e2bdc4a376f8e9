import { CqError } from '../errors.ts';
import { excerpt } from '../runtime/op.ts';
import type { Reader } from './json-reader.ts';

/** Ops that decide while running what is computed, and what to do about them. */
const families: readonly (readonly [ops: RegExp, rule: string, remedy: string])[] = [
  [
    /^(Stateless)?While$|^(Ref)?(Enter|Exit|NextIteration)$|^LoopCond$/,
    'must not loop while it runs',
    'unroll the loop in the code of the model',
  ],
  [
    /^(Stateless)?(If|Case)$|^(Ref)?(Switch|Merge)$/,
    'must not branch while it runs',
    'choose the branch in the code of the model, such as training=False',
  ],
  [
    /^EmptyTensorList$|^TensorList|^TensorArray/,
    'must not keep lists of tensors, as loops do',
    'unroll the loop in the code of the model, such as unroll=True of a recurrent layer',
  ],
  [
    /^(Stateful)?PartitionedCall$|^SymbolicGradient$/,
    'must not call functions',
    'let the converter inline them, as it does for a SavedModel',
  ],
  [
    /^(HashTable|LookupTable|InitializeTable)/,
    'must not look anything up in hash tables',
    'do that before the model, and give it the numbers',
  ],
];

/** The names of the functions that a graph brings along. */
export function functionsOf(library: unknown, read: Reader): ReadonlySet<string> {
  const listed = library === undefined || library === null ? undefined : read.object(library, 'library')['function'];
  const functions = listed === undefined || listed === null ? [] : read.list(listed, 'library.function');
  return new Set(
    functions.map((json) => {
      const { signature } = read.object(json, 'every function');
      return read.text(read.object(signature, 'signature of a function')['name'], 'name of a function');
    }),
  );
}

/**
 * A graph computes the same nodes whatever its inputs are.
 * @throws CqError for a node that makes it do otherwise.
 */
export function checkFlow(name: string, op: unknown, functions: ReadonlySet<string>, { source }: Reader): void {
  if (typeof op !== 'string') return;
  const family = families.find(([ops]) => ops.test(functions.has(op) ? 'PartitionedCall' : op));
  if (!family) return;
  const [, rule, remedy] = family;
  throw new CqError(
    `${source}: node ${excerpt(name)} (${excerpt(op).slice(1, -1)}): a graph ${rule}; ${remedy}, and convert it again`,
  );
}
