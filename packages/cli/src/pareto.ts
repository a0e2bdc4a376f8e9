/**
 * The rows than which no other is better: of those that cost as little or less, none has a higher value, and none of the
 * same value costs less. In ascending order of cost.
 */
export function paretoFront<Row>(rows: readonly Row[], cost: (row: Row) => number, value: (row: Row) => number): Row[] {
  const front: Row[] = [];
  for (const row of [...rows].sort((a, b) => cost(a) - cost(b) || value(b) - value(a))) {
    const best = front.at(-1);
    if (!best || value(row) > value(best)) front.push(row);
  }
  return front;
}
