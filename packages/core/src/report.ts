/** What happened, as a JSON value. */
export interface Report {
  readonly seed: number;
  readonly passes: readonly PassReport[];
}

/**
 * What one pass did: its options as resolved, the values that it changed with details, those that it skipped and
 * why.
 */
export interface PassReport {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly changed: readonly { readonly value: string; readonly [detail: string]: unknown }[];
  readonly skipped: readonly { readonly value: string; readonly reason: string }[];
  readonly milliseconds: number;
}

/** A value as JSON can hold it: regular expressions as text. */
export function asJson<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (inner instanceof RegExp ? String(inner) : inner)),
  ) as Value;
}
