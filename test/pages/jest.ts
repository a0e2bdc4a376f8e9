import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';

/** What of Jest the tests of kernels use, in a page: import this before them, then call `runTests`. */
type Body = (...row: unknown[]) => unknown;

interface Outcome {
  readonly name: string;
  readonly error?: string;
}

const tests: { readonly name: string; readonly run: () => unknown }[] = [];

const test = Object.assign((name: string, run: () => unknown) => void tests.push({ name, run }), {
  each: (rows: readonly unknown[]) => (name: string, run: Body) => {
    for (const row of rows.map((row) => (Array.isArray(row) ? row : [row]))) {
      tests.push({ name: `${name} ${JSON.stringify(row)}`, run: () => run(...(row as unknown[])) });
    }
  },
});

const show = (value: unknown): string =>
  String(value instanceof Error ? value.message : JSON.stringify(value)).slice(0, 2000);

/** Numbers as `Object.is` compares them; `some`: only what is expected has to be there. */
function same(a: unknown, b: unknown, some = false): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const [left, right] = [a, b].map((value) => Object.entries(value).filter(([, entry]) => entry !== undefined));
  const found = new Map(left);
  return (some || left!.length === right!.length) && right!.every(([key, value]) => same(found.get(key), value, some));
}

const caught = (run: unknown): unknown => {
  try {
    (run as () => void)();
    return undefined;
  } catch (error) {
    return error;
  }
};

const saying = (error: unknown, text?: string): boolean =>
  error !== undefined && (text === undefined || (error as Error).message.includes(text));

function expect(value: unknown) {
  const check = (holds: boolean, relation: string, other?: unknown): void => {
    if (!holds) throw new Error(`${show(value)} must ${relation} ${show(other)}`);
  };
  const number = value as number;
  return {
    toBe: (other: unknown) => check(Object.is(value, other), 'be', other),
    toEqual: (other: unknown) => check(same(value, other), 'equal', other),
    toMatchObject: (other: unknown) => check(same(value, other, true), 'match', other),
    toContain: (other: unknown) => check((value as unknown[]).includes(other), 'contain', other),
    toBeGreaterThan: (other: number) => check(number > other, 'be above', other),
    toBeLessThan: (other: number) => check(number < other, 'be below', other),
    toBeLessThanOrEqual: (other: number) => check(number <= other, 'be at most', other),
    toBeCloseTo: (other: number, digits = 2) => check(Math.abs(number - other) < 10 ** -digits / 2, 'be near', other),
    toThrow: (text?: string) => check(saying(caught(value), text), 'throw', text),
    not: { toBe: (other: unknown) => check(!Object.is(value, other), 'not be', other) },
    rejects: {
      async toThrow(text?: string) {
        const error = await (value as Promise<unknown>).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        check(saying(error, text), 'be rejected with', text);
      },
    },
  };
}

/** Of Node's `Buffer`: what compares bytes. */
const Buffer = {
  from: (bytes: ArrayBuffer) => new Uint8Array(bytes),
  compare: (a: Uint8Array, b: Uint8Array) => Number(a.length !== b.length || a.some((byte, i) => byte !== b[i])),
};

Object.assign(globalThis, { test, expect, Buffer, afterAll: () => undefined });
setWasmPaths('/tfjs/');

/** As many random cases as fit the time: Node's tests try all. */
fc.configureGlobal({ interruptAfterTimeLimit: 500 });

/** To be called from outside the page. */
export function offerTests(): void {
  Object.assign(globalThis, {
    async runTests(): Promise<readonly Outcome[]> {
      const outcomes: Outcome[] = [];
      for (const { name, run } of tests) {
        try {
          await run();
          outcomes.push({ name });
        } catch (error) {
          outcomes.push({ name, error: show(error) });
        }
      }
      return outcomes;
    },
  });
}
