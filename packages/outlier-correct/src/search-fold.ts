import { isActivation } from './balance-activation.ts';
import { scalesAt, type BalanceMethod } from './channel-scales.ts';
import { centreChannels, scaleChannels, type Seen } from './fold-target.ts';
import { otherSide, type Target } from './targets.ts';

/** A balanced graph and how it came about, or why the value cannot be balanced. */
export type Balanced = (Seen & Fold) | { readonly reason: string };

interface Fold {
  /** Absent if channels were centred alone. */
  readonly strength?: number;
  readonly shifted: boolean;
  /** Mean squared error of the block's output, where it was searched. */
  readonly error?: { readonly before: number; readonly after: number };
}

export interface FoldOptions {
  /** `smooth`: all channels, by their maxima. `threshold`: only those that go beyond a threshold. */
  readonly method: BalanceMethod;
  /** Whether channels are centred first, where that helps. */
  readonly shift: boolean;
}

/** Centred if asked for and possible, and scaled at this strength. */
export function foldAt(seen: Seen, target: Target, { method, shift }: FoldOptions, strength: number): Balanced {
  const centred = shift ? centreChannels(seen, target) : seen;
  const start = 'reason' in centred ? seen : centred;
  const scaled = scaledAt(start, target, method, strength);
  return 'reason' in scaled ? scaled : { ...scaled, strength, shifted: start.graph !== seen.graph };
}

const scaledAt = (seen: Seen, target: Target, method: BalanceMethod, strength: number) => {
  const others = otherSide(seen.graph, target, seen.extremes);
  return scaleChannels(seen, target, scalesAt(method, strength, seen.extremes.get(target.value)!, others));
};

/** What a fold must gain at least, as a fraction of the error. */
const GAIN = 1e-3;

/** What an operator must leave of the error at most: its channels share few factors, and small gains there proved to be none. */
const WORTHWHILE = 0.5;

/** The fold with the least error: centred or not, then at strengths 0, 0.1 … 1 and half a step beside the best of them. */
export async function searchFold(
  seen: Seen,
  target: Target,
  { method, shift }: FoldOptions,
  errorOf: (candidate: Seen) => Promise<number>,
): Promise<Balanced> {
  const possible = foldAt(seen, target, { method, shift: false }, 0.5);
  if ('reason' in possible) return possible;
  const before = await errorOf(seen);
  let best: { readonly seen: Seen; readonly error: number; readonly twentieths?: number } = { seen, error: before };
  const consider = async (candidate: ReturnType<typeof scaledAt>, twentieths?: number): Promise<void> => {
    if ('reason' in candidate || candidate.graph === best.seen.graph) return;
    const error = await errorOf(candidate);
    if (error >= (1 - GAIN) * best.error) return;
    best = { seen: candidate, error, ...(twentieths !== undefined && { twentieths }) };
  };
  if (shift) await consider(centreChannels(seen, target));
  const start = best.seen;
  const attempt = async (twentieths: number): Promise<void> => {
    if (twentieths >= 0 && twentieths <= 20)
      await consider(scaledAt(start, target, method, twentieths / 20), twentieths);
  };
  for (let twentieths = 0; twentieths <= 20; twentieths += 2) await attempt(twentieths);
  const { twentieths: coarse } = best;
  if (coarse !== undefined) for (const step of [-1, 1]) await attempt(coarse + step);
  if (isActivation(seen.graph, target.value) && best.error > WORTHWHILE * before)
    return { reason: `an operator behind it would leave ${((100 * best.error) / before).toFixed(0)} % of the error` };
  return {
    ...best.seen,
    ...(best.twentieths !== undefined && { strength: best.twentieths / 20 }),
    shifted: start !== seen,
    error: { before, after: best.error },
  };
}
