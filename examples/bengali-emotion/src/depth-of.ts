import type { Graph } from '@cq/core';

/** How many attentions a model has. */
export const depthOf = ({ nodes }: Graph): number =>
  [...nodes.values()].filter(({ op }) => op === 'AttentionLogits').length;
