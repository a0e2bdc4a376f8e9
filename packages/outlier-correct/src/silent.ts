import type { PassContext } from '@cq/core';

/** The context for a pass that another one runs for its own ends: it reports nothing and stores nothing. */
export const silent = ({ data, seed, signal }: PassContext): PassContext => ({
  ...{ data, seed, signal },
  changed: () => undefined,
  skipped: () => undefined,
  progress: () => undefined,
});
