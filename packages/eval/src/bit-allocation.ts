/** What is decided together: all its weights get the same bits. */
export interface BitChoice {
  /** 32: float. */
  readonly bits: number;
  /** What it costs: bytes, or milliseconds. */
  readonly cost: number;
  /** What it harms, alone: KL in nats. */
  readonly loss: number;
}

/** For every group the index of a choice. */
export type Allocation = readonly number[];

/**
 * The allocations worth looking at, from the dearest to the cheapest: each takes one group from one choice to a cheaper one,
 * those first that save the most for what they harm. Choices above the lower convex hull of (cost, loss) are passed over, as
 * they are when losses add up.
 * Source: the greedy solution of the multiple-choice knapsack (Sinha & Zoltners 1979).
 * @param groups Choices in any order; a group may have one only.
 */
export function allocations(groups: readonly (readonly BitChoice[])[]): readonly Allocation[] {
  const hulls = groups.map(lowerHull);
  const steps = hulls.flatMap((hull, group) =>
    hull.slice(1).map((to, i) => {
      const [from, next] = [groups[group]![hull[i]!]!, groups[group]![to]!];
      return { group, to, slope: (next.loss - from.loss) / (from.cost - next.cost) };
    }),
  );
  steps.sort((a, b) => a.slope - b.slope || a.group - b.group); // Along a hull slopes rise: its steps stay in order.
  const current = hulls.map((hull) => hull[0]!);
  return [[...current], ...steps.map(({ group, to }) => ((current[group] = to), [...current]))];
}

/** Indices of the choices that a line of costs against losses bends around, the dearest first. */
function lowerHull(choices: readonly BitChoice[]): readonly number[] {
  const order = choices
    .map((_, i) => i)
    .sort((a, b) => choices[b]!.cost - choices[a]!.cost || choices[a]!.loss - choices[b]!.loss);
  const hull: number[] = [];
  for (const i of order) {
    const { cost, loss } = choices[i]!;
    if (hull.length > 0 && cost === choices[hull.at(-1)!]!.cost) continue;
    while (hull.length > 0) {
      const last = choices[hull.at(-1)!]!;
      const before = hull.length > 1 ? choices[hull.at(-2)!]! : undefined;
      const slope = (loss - last.loss) / (last.cost - cost);
      const bends = before && slope <= (last.loss - before.loss) / (before.cost - last.cost);
      if (!bends && loss > last.loss) break;
      hull.pop();
    }
    hull.push(i);
  }
  return hull;
}
