export { prune, type PruneOptions } from './prune.ts';
export { shrink } from './shrink.ts';
export { maskAt } from './mask-at.ts';
export { cubicSparsity, type CubicOptions } from './cubic-sparsity.ts';
export type { Granularity } from './keep-units.ts';
export type { Score } from './score.ts';
export type { Structure } from './groups.ts';
