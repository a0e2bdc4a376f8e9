import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { penaltyOf, rectified, startOf } from './ada-round.ts';
import {
  adaRound,
  addTokens,
  compensate,
  finishGram,
  gptq,
  gptqSolver,
  linearFeedback,
  roundingLoss,
  roundNearest,
  startGram,
  symmetric,
  upperFactor,
  type Gram,
  type RoundingProblem,
} from './index.ts';

beforeAll(() => tf.setBackend('cpu'));

/** A source of numbers in [-1, 1). */
function noise(seed: number): () => number {
  let state = Math.imul(seed, 2654435761);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** Tokens whose channels are mixtures of a few factors, so that they depend on each other: [tokens, channels]. */
function correlated(tokens: number, channels: number, seed: number): Float32Array {
  const next = noise(seed);
  const factors = Math.max(2, channels >> 1);
  const mixture = Array.from({ length: factors * channels }, next);
  const x = new Float32Array(tokens * channels);
  for (let t = 0; t < tokens; t++) {
    const source = Array.from({ length: factors }, next);
    for (let c = 0; c < channels; c++) {
      x[t * channels + c] = source.reduce((sum, s, f) => sum + s * mixture[f * channels + c]!, 0.1 * next());
    }
  }
  return x;
}

function gramOf(x: Float32Array, channels: number, float?: Float32Array, ones = false): Gram {
  const sum = startGram(channels, { ones, cross: float !== undefined });
  addTokens(sum, x, float && { float });
  return finishGram(sum, 'x');
}

function problemOf(inputs: number, outputs: number, bits: number, seed: number): RoundingProblem {
  const next = noise(seed);
  const data = Float32Array.from({ length: inputs * outputs }, next);
  const max = Array.from({ length: outputs }, (_, n) =>
    Math.max(...Array.from({ length: inputs }, (_, k) => Math.abs(data[k * outputs + n]!))),
  );
  return { weight: { name: 'w', shape: [inputs, outputs], data }, quantizer: symmetric(bits, max, 1) };
}

const total = (loss: Float64Array): number => loss.reduce((sum, value) => sum + value, 0);

const cases = [
  { inputs: 5, outputs: 3, bits: 3, seed: 1 },
  { inputs: 16, outputs: 33, bits: 4, seed: 2 },
  { inputs: 24, outputs: 8, bits: 4, seed: 3 },
  { inputs: 48, outputs: 40, bits: 8, seed: 4 },
  { inputs: 32, outputs: 16, bits: 2, seed: 5 },
];

test.each(cases)('gptq and ada-round lose less than nearest on correlated inputs: %j', async (layer) => {
  const { inputs, outputs, bits, seed } = layer;
  const problem = problemOf(inputs, outputs, bits, seed);
  const gram = gramOf(correlated(200, inputs, seed + 10), inputs);
  const nearest = total(roundingLoss(problem, roundNearest(problem), gram));
  for (const order of ['given', 'diagonal'] as const) {
    expect(total(roundingLoss(problem, gptq(problem, gram, { order }), gram))).toBeLessThan(nearest);
  }
  const codes = await adaRound(problem, gram, { iterations: 400, rate: 1e-2 });
  expect(total(roundingLoss(problem, codes, gram))).toBeLessThan(nearest);
});

test('codes stay in range, ada-round within one step of the floor, and repeat', async () => {
  for (const { inputs, outputs, bits, seed } of cases) {
    const given = problemOf(inputs, outputs, bits, seed);
    // A clip inside the weights, so that some have nowhere to go.
    const problem = { ...given, quantizer: symmetric(bits, new Float32Array(outputs).fill(0.6), 1) };
    const gram = gramOf(correlated(100, inputs, seed), inputs);
    const rounded = [gptq(problem, gram), await adaRound(problem, gram, { iterations: 50, rate: 0.1 })];
    for (const codes of rounded) {
      expect(Math.min(...codes)).toBeGreaterThanOrEqual(-(2 ** (bits - 1)));
      expect(Math.max(...codes)).toBeLessThan(2 ** (bits - 1));
    }
    const low = -(2 ** (bits - 1));
    rounded[1]!.forEach((code, i) => {
      const floor = Math.floor(Math.fround(problem.weight.data[i]! / problem.quantizer.scale[i % outputs]!));
      const inside = Math.min(Math.max(floor, low), -low - 1);
      expect([inside, Math.min(inside + 1, -low - 1)]).toContain(code);
    });
    expect(gptq(problem, gram)).toEqual(rounded[0]);
    expect(await adaRound(problem, gram, { iterations: 50, rate: 0.1 })).toEqual(rounded[1]);
  }
});

/** Algorithm 1 of Frantar et al. 2023, through the inverse of H. */
function textbookGptq({ weight, quantizer }: RoundingProblem, gram: Gram): number[] {
  const outputs = weight.shape[1]!;
  const codes: number[] = [];
  eliminated(weight, gram, (entry, value) => {
    const scale = quantizer.scale[entry % outputs]!;
    const limit = 2 ** (quantizer.bits - 1);
    codes[entry] = Math.min(Math.max(Math.round(value / scale), -limit), limit - 1) + 0;
    return Math.fround(codes[entry]! * scale);
  });
  return codes;
}

/** Every entry replaced, the errors passed on to later inputs by the rows of the Cholesky factor of H's inverse. */
function eliminated(
  { shape, data }: RoundingProblem['weight'],
  gram: Gram,
  replace: (entry: number, value: number) => number,
): number[] {
  const [n, outputs] = shape as [number, number];
  const h = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => gram.matrix[i * n + j]!));
  const damp = (0.01 * h.reduce((sum, row, i) => sum + row[i]!, 0)) / n;
  // Gauss-Jordan.
  const rows = h.map((row, i) => [...row.map((x, j) => (i === j ? x + damp : x)), ...row.map((_, j) => +(i === j))]);
  for (let i = 0; i < n; i++) {
    const pivot = rows[i]![i]!;
    rows[i] = rows[i]!.map((x) => x / pivot);
    for (let k = 0; k < n; k++) {
      const factor = rows[k]![i]!;
      if (k !== i) rows[k] = rows[k]!.map((x, j) => x - factor * rows[i]![j]!);
    }
  }
  const inverse = rows.map((row) => row.slice(n));
  const upper = inverse.map((row) => row.map(() => 0));
  for (let j = 0; j < n; j++) {
    for (let i = 0; i <= j; i++) {
      let sum = inverse[i]![j]!;
      for (let k = 0; k < i; k++) sum -= upper[k]![i]! * upper[k]![j]!;
      upper[i]![j] = i === j ? Math.sqrt(sum) : sum / upper[i]![i]!;
    }
  }
  const w = Array.from(data as Float32Array);
  for (let j = 0; j < n; j++) {
    for (let o = 0; o < outputs; o++) {
      const value = w[j * outputs + o]!;
      w[j * outputs + o] = replace(j * outputs + o, value);
      const error = (value - w[j * outputs + o]!) / upper[j]![j]!;
      for (let k = j + 1; k < n; k++) w[k * outputs + o]! -= error * upper[j]![k]!;
    }
  }
  return w;
}

test('equals GPTQ as it was published', () => {
  for (const { inputs, outputs, bits, seed } of cases) {
    const problem = problemOf(inputs, outputs, bits, seed);
    const gram = gramOf(correlated(150, inputs, seed), inputs);
    expect([...gptq(problem, gram)]).toEqual(textbookGptq(problem, gram));
  }
});

test('with a mask instead of a quantizer equals SparseGPT as it was published, and loses less than the mask alone', () => {
  for (const { inputs, outputs, seed } of cases) {
    const { weight } = problemOf(inputs, outputs, 8, seed);
    const gram = gramOf(correlated(150, inputs, seed), inputs);
    const next = noise(seed + 1);
    const keep = Array.from({ length: inputs * outputs }, () => next() > 0);
    const replace = (entry: number, value: number): number => (keep[entry] ? value : 0);
    const expected = eliminated(weight, gram, replace);

    const found: number[] = [];
    const loss = linearFeedback(gram)(weight.data as Float32Array, (entry, wanted) => {
      found[entry] = replace(entry, wanted);
      return found[entry]!;
    });
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
    const masked = weight.data.map((value, i) => (keep[i] ? value : 0));
    const untouched = linearFeedback(gram)(weight.data as Float32Array, (entry) => masked[entry]!);
    expect(total(loss)).toBeLessThan(total(untouched));
  }
});

test('one factorisation serves many problems, and says what each loses', () => {
  for (const { inputs, outputs, bits, seed } of cases) {
    const gram = gramOf(correlated(150, inputs, seed), inputs);
    const solve = gptqSolver(gram, { damping: 1e-9 });
    for (const clip of [1, 0.7]) {
      const given = problemOf(inputs, outputs, bits, seed);
      const problem = { ...given, quantizer: symmetric(bits, new Float32Array(outputs).fill(clip), 1) };
      const { codes, loss } = solve(problem);
      expect(codes).toEqual(gptq(problem, gram, { damping: 1e-9 }));
      const expected = roundingLoss(problem, codes, gram);
      loss.forEach((value, n) => expect(Math.abs(value / expected[n]! - 1)).toBeLessThan(1e-4));
    }
  }
});

test('a masked weight gets the code of zero', async () => {
  const problem = problemOf(12, 6, 4, 7);
  const mask = Float32Array.from({ length: 72 }, (_, i) => i % 2);
  const gram = gramOf(correlated(60, 12, 8), 12);
  const masked = { ...problem, mask };
  for (const codes of [roundNearest(masked), gptq(masked, gram), await adaRound(masked, gram, { iterations: 20 })]) {
    expect([...codes].filter((_, i) => i % 2 === 0)).toEqual(new Array(36).fill(0));
  }
});

// Golden G10.
test('golden: where V starts, and the penalty', () => {
  const fractions = [0.1, 0.3, 0.5, 0.9];
  [-1.609438, -0.693147, 0, 1.609438].forEach((v, i) => expect(startOf(fractions[i]!)).toBeCloseTo(v, 6));
  fractions.forEach((fraction) => expect(rectified(startOf(fraction))).toBeCloseTo(fraction, 12));
  [0.988471, 0.914101, 0.36].forEach((p, i) => expect(penaltyOf(0.1, [20, 11, 2][i]!)).toBeCloseTo(p, 6));
  [1, 0.999958, 0.84].forEach((p, i) => expect(penaltyOf(0.3, [20, 11, 2][i]!)).toBeCloseTo(p, 6));
});

test('the upper factor multiplies back to the matrix', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (size, seed) => {
      const { matrix } = gramOf(correlated(40, size, seed), size);
      const factor = upperFactor(matrix, size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let sum = 0;
          for (let k = Math.max(i, j); k < size; k++) sum += factor[i * size + k]! * factor[j * size + k]!;
          expect(Math.abs(sum - matrix[i * size + j]!)).toBeLessThan(1e-9 * (1 + matrix[i * size + i]!));
        }
      }
    }),
    { numRuns: 30 },
  );
  expect(() => upperFactor(Float64Array.of(1, 1, 1, 1), 2)).toThrow(/must be positive definite/);
});

test('compensated weights come nearer to the float outputs, and find an exact answer where there is one', () => {
  const [inputs, outputs, tokens] = [6, 4, 80];
  const { weight } = problemOf(inputs, outputs, 8, 3);
  const float = correlated(tokens, inputs, 5);
  // x̂ = 2 x − 1: the answer is W / 2, with half the column sums for the bias.
  const compensated = compensate(
    weight,
    gramOf(
      float.map((x) => 2 * x - 1),
      inputs,
      float,
      true,
    ),
    1e-12,
  );
  compensated.weight.forEach((value, i) => expect(value).toBeCloseTo(weight.data[i]! / 2, 4));
  compensated.biasChange.forEach((value, n) => {
    const column = Array.from({ length: inputs }, (_, k) => weight.data[k * outputs + n]!);
    expect(value).toBeCloseTo(column.reduce((sum, x) => sum + x, 0) / 2, 4);
  });
  expect(() => compensate(weight, gramOf(float, inputs))).toThrow('compensate: "w" needs a Gram matrix of 6 channels');
});

test('what does not fit together is refused', () => {
  const problem = problemOf(6, 4, 4, 1);
  const gram = gramOf(correlated(20, 5, 1), 5);
  expect(() => gptq(problem, gram)).toThrow('gptq: "w": needs a Gram matrix of 6 channels, got 5');
  const wrong = { ...problem, quantizer: symmetric(4, [1, 2], 1) };
  expect(() => roundNearest(wrong)).toThrow('nearest: "w": needs one scale, or one per output along axis 1, got 2');
});

test('ada-round stops when asked to, and leaves no tensor', async () => {
  const before = tf.memory().numTensors;
  const stop = new AbortController();
  stop.abort();
  const problem = problemOf(6, 4, 4, 1);
  await expect(adaRound(problem, gramOf(correlated(20, 6, 1), 6), { signal: stop.signal })).rejects.toThrow(/abort/i);
  await adaRound(problem, gramOf(correlated(20, 6, 1), 6), { iterations: 5 });
  expect(tf.memory().numTensors).toBe(before);
});
