import { CqError } from '@cq/core';

/** The command itself is wrong, whatever the files hold: exit code 2. */
export class UsageError extends CqError {
  override name = 'UsageError';
}
