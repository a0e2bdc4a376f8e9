import fc from 'fast-check';
import { allocations, type BitChoice } from './bit-allocation.ts';

const at = (groups: readonly (readonly BitChoice[])[], allocation: readonly number[]) =>
  allocation.map((choice, group) => groups[group]![choice]!);
const sum = (choices: readonly BitChoice[], of: 'cost' | 'loss'): number =>
  choices.reduce((total, choice) => total + choice[of], 0);

test('the group that harms least for what it saves goes first', () => {
  const groups = [
    [
      { bits: 8, cost: 100, loss: 0 },
      { bits: 4, cost: 50, loss: 5 },
    ],
    [
      { bits: 8, cost: 100, loss: 0 },
      { bits: 4, cost: 50, loss: 1 },
      { bits: 3, cost: 40, loss: 9 },
    ],
  ];
  expect(allocations(groups)).toEqual([
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 2],
  ]);
});

const choice = fc.record({
  bits: fc.constantFrom(3, 4, 8, 32),
  cost: fc.integer({ min: 1, max: 99 }),
  loss: fc.nat(99),
});
const groups = fc.array(fc.array(choice, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

test('costs fall and losses rise along the way, and no allocation that costs as little harms less', () => {
  fc.assert(
    fc.property(groups, (given) => {
      const way = allocations(given).map((allocation) => at(given, allocation));
      for (const [i, now] of way.entries()) {
        if (i === 0) continue;
        expect(sum(now, 'cost')).toBeLessThan(sum(way[i - 1]!, 'cost'));
        expect(sum(now, 'loss')).toBeGreaterThan(sum(way[i - 1]!, 'loss'));
      }
      const all = given.reduce<BitChoice[][]>(
        (parts, choices) => parts.flatMap((part) => choices.map((one) => [...part, one])),
        [[]],
      );
      for (const now of way) {
        const as = all.filter((other) => sum(other, 'cost') <= sum(now, 'cost'));
        expect(Math.min(...as.map((other) => sum(other, 'loss')))).toBe(sum(now, 'loss'));
      }
    }),
  );
});
