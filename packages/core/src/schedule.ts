/** How a rate goes from 1 to where it ends: it stays, or falls to 0 on a line or on half a cosine. */
export type Schedule = 'constant' | 'linear' | 'cosine';

/**
 * The factor of the rate at a step, 0 … steps − 1: rising on a line to 1 over the first `warmUp` steps, then as the
 * schedule says over the others.
 */
export function rateFactor(schedule: Schedule, step: number, steps: number, warmUp = 0): number {
  if (step < warmUp) return (step + 1) / (warmUp + 1);
  const done = (step - warmUp) / Math.max(1, steps - warmUp);
  if (schedule === 'constant') return 1;
  return schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
}
