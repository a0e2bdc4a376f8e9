import { UsageError } from './usage-error.ts';

/** An option that must be there. Not commander's own check: that one comes before the check for misspelt options. */
export function required(command: string, option: string, given: string | undefined): string {
  if (given !== undefined) return given;
  throw new UsageError(`${command}: ${option} must be given, got none; see cq ${command} --help`);
}
