import type { SweepJob } from './sweep-job.ts';
import { withSharedPasses } from './sweep-plan.ts';

const cell = (fingerprint: string, ...passes: readonly string[]) => ({
  job: { fingerprint, cell: {} as SweepJob['cell'], out: '' },
  passes,
});
const tasks = (...cells: readonly ReturnType<typeof cell>[]) =>
  withSharedPasses(cells).map(({ job: { fingerprint, sharedPasses }, after }) => [fingerprint, sharedPasses, after]);

test('passes that begin several cells are jobs of their own, each after the one before', () => {
  expect(
    tasks(cell('DQ', 'd', 'dq'), cell('DPQ', 'd', 'dp', 'dpq'), cell('DPL', 'd', 'dp', 'dpl'), cell('Q', 'q')),
  ).toEqual([
    ['d', 1, undefined],
    ['DQ', undefined, 'd'],
    ['dp', 2, 'd'],
    ['DPQ', undefined, 'dp'],
    ['DPL', undefined, 'dp'],
    ['Q', undefined, undefined],
  ]);
});

test('a cell that ends where another goes on shares its passes; passes that all cells take alone are no job', () => {
  expect(tasks(cell('DP', 'd', 'dp'), cell('DPQ', 'd', 'dp', 'dpq'))).toEqual([
    ['dp', 2, undefined],
    ['DP', undefined, 'dp'],
    ['DPQ', undefined, 'dp'],
  ]);
  expect(tasks(cell('none'))).toEqual([['none', undefined, undefined]]);
});
