import { readAhead } from './read-ahead.ts';

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

test('results come in order, whichever load ends first', async () => {
  const loaded: number[] = [];
  const load = async (ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms));
  for await (const value of readAhead([9, 1, 5, 0], 2, load)) loaded.push(value);
  expect(loaded).toEqual([9, 1, 5, 0]);
});

test('no more than `ahead` loads are started beyond the one in use, and they start before they are asked for', async () => {
  let started = 0;
  const load = async (item: number) => (started++, item);
  for await (const item of readAhead([0, 1, 2, 3, 4], 1, load)) {
    await tick();
    expect(started).toBe(Math.min(item + 2, 5));
  }
});

test('a failure surfaces on its turn', async () => {
  const seen: number[] = [];
  const load = async (item: number) => {
    if (item === 2) throw new Error('two');
    return item;
  };
  const read = async () => {
    for await (const item of readAhead([0, 1, 2, 3], 3, load)) seen.push(item);
  };
  await expect(read()).rejects.toThrow('two');
  expect(seen).toEqual([0, 1]);
});

test('a failure that is never reached is not an unhandled rejection', async () => {
  const unhandled = jest.fn();
  process.on('unhandledRejection', unhandled);
  const load = async (item: number) => {
    await tick();
    if (item > 0) throw new Error('not reached');
    return item;
  };
  for await (const item of readAhead([0, 1, 2], 2, load)) if (item === 0) break;
  await tick();
  await tick();
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});
