import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { compete } from './bench.ts';
import { benchModel } from './bench-model.ts';
import type { Contestant } from './bench-process.ts';
import { temporaryFolder, tinyModel } from './testing/tiny.ts';

/** Answers with the times it is given, and writes down when it ran. */
function scripted(name: string, times: readonly number[], log: string[]): Contestant {
  let next = 0;
  return {
    name,
    runtime: 'tfjs-wasm',
    threads: 1,
    simd: 'SIMD',
    kernels: { MatMul: 1 },
    run: async () => {
      log.push(name);
      return times[next++]!;
    },
    infer: async () => Float32Array.of(),
    peakBytes: async () => 1000,
    stop: () => undefined,
  };
}

test('rounds are interleaved, and every row compares with the first', async () => {
  const log: string[] = [];
  const progress: number[][] = [];
  const contestants = [scripted('a', [10, 30, 20], log), scripted('b', [5, 4, 6], log)];
  const rows = await compete(contestants, 3, { update: (...event) => void progress.push(event as number[]) });
  expect(log).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  expect(progress).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  expect(rows).toMatchObject([
    { name: 'a', milliseconds: { min: 10, median: 20, max: 30 }, ratio: 1, peakBytes: 1000 },
    { name: 'b', milliseconds: { min: 4, median: 5, max: 6 }, ratio: 0.25, kernels: { MatMul: 1 } },
  ]);
});

const folder = temporaryFolder();
const job = { threads: 1, batch: 2, seed: 1 } as const;

test('a float model runs on stock kernels', async () => {
  const { runtime, threads, kernels, run, infer } = await benchModel({ ...job, model: tinyModel(folder) });
  expect([runtime, threads]).toEqual(['tfjs-wasm', 1]);
  expect(kernels).toMatchObject({ BatchMatMul: expect.any(Number) as number });
  expect(Object.keys(kernels).filter((name) => name.startsWith('Cq'))).toEqual([]);
  expect(await run()).toBeGreaterThan(0);
  const image = { dtype: 'float32', shape: [1, 3, 32, 32], data: new Float32Array(3 * 32 * 32) } as const;
  const before = memory().numTensors;
  expect(await infer({ pixel_values: image })).toHaveLength(7);
  expect(memory().numTensors).toBe(before);
});

test('what a runtime does not accept is one line that names the model', async () => {
  await expect(benchModel({ ...job, model: join(folder, 'none.onnx') })).rejects.toThrow(
    /^\S+none\.onnx: must run, got: ENOENT/,
  );
});
