import { bitsAt, shareAt, stagesOf } from './bits-at.ts';

test('golden G21: the share of the wider codes falls over 70 % of each stage', () => {
  const stages = stagesOf('mix', 6, 3, 999);
  expect(stages.map(({ wide, narrow, steps }) => [wide, narrow, steps])).toEqual([
    [6, 5, 333],
    [5, 4, 333],
    [4, 3, 333],
  ]);
  const length = 1000 / 3;
  const share = (t: number): number => shareAt(t % length, length);
  [1, 0.571429, 0, 0.285714, 0.428571, 0].forEach((expected, i) =>
    expect(share([0, 100, 300, 500, 800, 999][i]!)).toBeCloseTo(expected, 5),
  );
});

test('all schedules take all the steps and end at the target', () => {
  for (const schedule of ['mix', 'step', 'continuous', 'direct'] as const) {
    for (const steps of [1, 2, 7, 100]) {
      const stages = stagesOf(schedule, 6, 3, steps);
      expect(stages.reduce((sum, stage) => sum + stage.steps, 0)).toBe(steps);
      const last = stages.at(-1)!;
      expect(last.narrow).toBe(3);
      if (schedule === 'continuous' && steps > 3) expect(bitsAt(last, steps - 1)).toBe(3);
    }
  }
  expect(stagesOf('mix', 4, 4, 10)).toEqual([{ wide: 4, narrow: 4, steps: 10 }]);
});
