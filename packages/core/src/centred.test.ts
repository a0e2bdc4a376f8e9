import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { addTokens, centred, finishGram, outputEnergy, randomOf, startGram } from './index.ts';

beforeAll(() => setBackend('cpu'));

const [channels, tokens] = [3, 50];
const random = randomOf(3);
const x = Float32Array.from({ length: channels * tokens }, () => random.uniform() + 2);
const w = Float32Array.of(1, -2, 0.5, 0.25, 3, 1);

/** Σ_c x[t, c] w[c, n], with the mean over tokens taken off or not. */
function energyOf(centre: boolean): number {
  const outputs = [0, 1].map((n) =>
    Array.from({ length: tokens }, (_, t) =>
      [0, 1, 2].reduce((sum, c) => sum + x[t * channels + c]! * w[c * 2 + n]!, 0),
    ),
  );
  const squares = outputs.flatMap((values) => {
    const mean = centre ? values.reduce((sum, value) => sum + value, 0) / tokens : 0;
    return values.map((value) => (value - mean) ** 2);
  });
  return squares.reduce((sum, square) => sum + square, 0) / tokens;
}

test('the energy of a layer is that of its outputs; around the means it is their variance', () => {
  const sum = startGram(channels, { ones: true });
  addTokens(sum, x);
  const { gram, means } = centred(finishGram(sum, 'x'));
  for (let c = 0; c < channels; c++) {
    const all = x.filter((_, i) => i % channels === c);
    expect(means[c]).toBeCloseTo(all.reduce((total, value) => total + value, 0) / tokens, 5);
  }
  expect(outputEnergy(gram, w)).toBeCloseTo(energyOf(true), 3);

  const plain = startGram(channels);
  addTokens(plain, x);
  expect(outputEnergy(finishGram(plain, 'x'), w)).toBeCloseTo(energyOf(false), 2);
});

test('a Gram matrix without ones is refused', () => {
  const sum = startGram(2);
  addTokens(sum, Float32Array.of(1, 2));
  expect(() => centred(finishGram(sum, 'x'))).toThrow('a Gram matrix with a row of ones is needed');
});
