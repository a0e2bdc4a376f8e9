import { join } from 'node:path';
import type { Evaluation } from '@cq/eval';
import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const folder = temporaryFolder();
const model = tinyModel(join(folder, 'vit'));
const images = join(folder, 'images');
const compressed = join(folder, 'int8');

beforeAll(async () => {
  await tinyImages(images, 5);
  const { code } = await cq('compress', model, '--recipe', 'int8', '--calibration', images, '--out', compressed);
  expect(code).toBe(0);
});

async function evaluation(...argv: readonly string[]): Promise<Evaluation> {
  const { code, stdout, stderr } = await cq('eval', ...argv, '--data', images, '--allow-overlap', '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Evaluation;
}

test('one JSON document', async () => {
  const result = await evaluation(model);
  expect(result).toMatchObject({
    metric: 'top-1',
    count: 5,
    logitsSha256: expect.stringMatching(/^[\da-f]{64}$/) as string,
  });
  expect(result.value).toBe(result.correct / 5);
  expect(Object.keys(result)).not.toContain('kl');
});

test('a compressed model gives the same bits on the reference kernels and on the fast ones', async () => {
  const [wasm, cpu] = [await evaluation(compressed), await evaluation(compressed, '--backend', 'cpu')];
  expect(wasm.logitsSha256).toBe(cpu.logitsSha256);
  expect(wasm.correct).toBe(cpu.correct);
});

test('the number of threads changes no bit', async () => {
  const [one, two] = [await evaluation(compressed), await evaluation(compressed, '--threads', '2')];
  expect(two.logitsSha256).toBe(one.logitsSha256);
});

test('against a reference', async () => {
  const result = await evaluation(compressed, '--reference', model, '--limit', '3');
  expect(result.count).toBe(3);
  expect(result.kl).toBeGreaterThan(0);
  expect(result.kl).toBeLessThan(0.05);
  expect((await evaluation(model, '--reference', model)).agreement).toBe(1);
});

test('for people', async () => {
  const { stdout } = await cq('eval', model, '--data', images, '--allow-overlap', '--reference', compressed);
  expect(stdout).toMatch(/top-1 +[\d.]+ % +\d of 5\n/);
  expect(stdout).toMatch(/agreement .*\n +KL /);
});
