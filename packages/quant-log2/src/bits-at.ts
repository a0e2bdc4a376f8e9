/** How the bits of codes go from many to few. */
export type BitSchedule = 'mix' | 'step' | 'continuous' | 'direct';

export const bitSchedules: readonly BitSchedule[] = ['mix', 'step', 'continuous', 'direct'];

/** Part of a transition's steps over which its share falls; then the lower bits are alone. */
export const RAMP = 0.7;

/** A part of the training: codes of `wide` and of `narrow` bits, mixed by a share. */
export interface Stage {
  readonly wide: number;
  readonly narrow: number;
  readonly steps: number;
}

/**
 * The stages of a schedule:
 * - mix: one for each bit that is given up, the shares of the wider codes falling in each;
 * - step: one for each width, the wider codes alone, then the next;
 * - continuous: one, in which the number of levels is 2^b − 1 for a real b;
 * - direct: one, on the target's codes from the beginning.
 * Where there are fewer steps than stages, the first stages go.
 */
export function stagesOf(schedule: BitSchedule, from: number, to: number, steps: number): readonly Stage[] {
  const shared = (stages: readonly Omit<Stage, 'steps'>[]): Stage[] =>
    stages
      .map((stage, i) => ({
        ...stage,
        steps: Math.floor(((i + 1) * steps) / stages.length) - Math.floor((i * steps) / stages.length),
      }))
      .filter((stage) => stage.steps > 0);
  const widths = Array.from({ length: from - to + 1 }, (_, i) => from - i);
  if (schedule === 'direct' || from === to) return shared([{ wide: to, narrow: to }]);
  if (schedule === 'continuous') return shared([{ wide: from, narrow: to }]);
  if (schedule === 'step') return shared(widths.map((bits) => ({ wide: bits, narrow: bits })));
  return shared(widths.slice(1).map((bits) => ({ wide: bits + 1, narrow: bits })));
}

/** λ, the share of the wider codes at a step 0 … steps − 1 of a stage: max(0, 1 − t / (0.7 L)). Methods 4.4. */
export const shareAt = (step: number, steps: number): number => Math.max(0, 1 - step / (RAMP * steps));

/** The real number of bits at a step, falling over the same part of the steps. */
export const bitsAt = ({ wide, narrow, steps }: Stage, step: number): number =>
  narrow + (wide - narrow) * shareAt(step, steps);
