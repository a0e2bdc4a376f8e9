import { existsSync, realpathSync } from 'node:fs';
import { checkTarget } from '@cq/core/node';
import { UsageError } from './usage-error.ts';

/** Says before the work, not after it, that its result could not be written. */
export function checkOutFolder(folder: string, model: string): void {
  if (existsSync(folder) && existsSync(model) && realpathSync(folder) === realpathSync(model)) {
    throw new UsageError(`compress: --out must not be the model's own folder, got "${folder}"; choose another`);
  }
  checkTarget(folder);
}
