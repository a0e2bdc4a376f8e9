import { foldScale, foldShift, type Graph } from '@cq/core';
import { balanceActivation, groupedScales, isActivation, isBalanced } from './balance-activation.ts';
import { centres, magnitudes, scaledBy, shiftedBy, type ChannelExtremes } from './channel-extremes.ts';
import type { Target } from './targets.ts';

/** A graph, and what its values were seen to take. */
export interface Seen {
  readonly graph: Graph;
  /** Of the target and its partners. */
  readonly extremes: ReadonlyMap<string, ChannelExtremes>;
}

/** Largest relative change of a channel that is rounding, not balance. */
const NOTHING = 1e-4;

/** The target's channels divided by scales; the same if these are all alike. Only their ratios count. */
export function scaleChannels({ graph, extremes }: Seen, target: Target, scales: Float64Array): Seen | Reason {
  const common = Math.exp(scales.reduce((sum, scale) => sum + Math.log(scale), 0) / scales.length);
  const wanted = scales.map((scale) => scale / common);
  if (isBalanced(graph, target.value)) return { reason: 'its channels are balanced already' };
  const activation = isActivation(graph, target.value);
  const relative = activation ? groupedScales(wanted) : wanted;
  if (!relative) return { reason: 'its channels do not come in groups of 16, which integer kernels could balance' };
  if (relative.every((scale) => Math.abs(scale - 1) < NOTHING)) return { graph, extremes };
  const folded = (activation ? balanceActivation : foldScale)(graph, target.value, relative);
  if ('reason' in folded) return folded;
  const divisors = relative.map((scale) => 1 / scale);
  const partner = target.readers.length === 0 ? relative : divisors;
  return {
    graph: folded.graph,
    extremes: changed(extremes, target, (seen, own) => scaledBy(seen, own ? divisors : partner)),
  };
}

/** The target's channels with their middle at 0; the same if they are there already. */
export function centreChannels({ graph, extremes }: Seen, target: Target): Seen | Reason {
  const seen = extremes.get(target.value)!;
  const [shifts, sizes] = [centres(seen), magnitudes(seen)];
  if (shifts.every((shift, c) => Math.abs(shift) <= NOTHING * sizes[c]!)) return { graph, extremes };
  const folded = foldShift(graph, target.value, shifts);
  if ('reason' in folded) return folded;
  const moves = (own: boolean): boolean => own || target.readers.length > 0; // Queries stay where they are.
  return {
    graph: folded.graph,
    extremes: changed(extremes, target, (other, own) => (moves(own) ? shiftedBy(other, shifts) : other)),
  };
}

interface Reason {
  readonly reason: string;
}

const changed = (
  extremes: Seen['extremes'],
  { value, partners }: Target,
  change: (seen: ChannelExtremes, own: boolean) => ChannelExtremes,
): Seen['extremes'] => new Map([value, ...partners].map((name) => [name, change(extremes.get(name)!, name === value)]));
