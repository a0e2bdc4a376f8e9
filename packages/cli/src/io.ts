/** All of the process that a command touches, so that tests can run commands without one. */
export interface Io {
  /** Results go here, and nothing else. */
  readonly stdout: Terminal;
  /** Progress and errors. */
  readonly stderr: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A stream that may be a terminal: progress is drawn only where it is. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };
