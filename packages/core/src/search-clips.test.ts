import '@tensorflow/tfjs-backend-cpu';
import { gptqSolver } from './gptq.ts';
import { addTokens, finishGram, startGram } from './gram.ts';
import { symmetric } from './quantizer.ts';
import { randomOf } from './random.ts';
import { searchClips } from './search-clips.ts';

const [INPUTS, OUTPUTS, TOKENS] = [12, 5, 64];
const PARTS = [1, 0.8, 0.6, 0.4];

const random = randomOf(1);
const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random.uniform() - 1);
const sums = startGram(INPUTS);
addTokens(sums, numbers(TOKENS * INPUTS));
const solve = gptqSolver(finishGram(sums, 'x'));
const weight = { name: 'w', shape: [INPUTS, OUTPUTS] as const, data: numbers(INPUTS * OUTPUTS) };

test('each output has the clip of those tried with which it loses least', () => {
  const { largest, clip, loss } = searchClips(weight, 3, PARTS, solve);
  const tried = PARTS.map((part) => {
    const clips = largest.map((size) => part * size);
    return { clips, lost: solve({ weight, quantizer: symmetric(3, clips, 1) }).loss };
  });
  for (let n = 0; n < OUTPUTS; n++) {
    const best = tried.reduce((a, b) => (b.lost[n]! < a.lost[n]! ? b : a));
    expect(loss[n]).toBe(best.lost[n]);
    expect(clip[n]).toBe(best.clips[n]);
  }
});

test('masked entries do not make a clip larger', () => {
  const mask = Float32Array.from({ length: INPUTS * OUTPUTS }, (_, i) => Number(i >= OUTPUTS));
  const data = weight.data.map((value, i) => (i < OUTPUTS ? 100 : value));
  expect(Math.max(...searchClips({ ...weight, data, mask }, 3, PARTS, solve).largest)).toBeLessThanOrEqual(1);
});
