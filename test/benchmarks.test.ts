import { join } from 'node:path';

/** A row of a race of runtimes, as tools/bench/rounds.mjs gives them. */
interface Row {
  readonly id: string;
  readonly name: string;
  readonly error?: string;
  readonly milliseconds?: { readonly min: number; readonly median: number; readonly max: number };
  readonly [more: string]: unknown;
}

interface Bar {
  readonly work: string;
  readonly bar: number;
  readonly value?: number;
}

const tool = (name: string): string => join(__dirname, '../tools/bench', name);

function row(id: string, median: number, more: object = {}): Row {
  const milliseconds = { min: median, median, max: median };
  const agreement = { same: 4, of: 4, largestDifference: 0, cosine: 1, sound: true };
  const told = { threads: 1, kernels: { MatMul: 2 }, weightBytes: 1e6, peakBytes: 2e6 };
  return { id, name: id, milliseconds, agreement, ...told, ratio: 100 / median, ...more };
}

const unlike = { same: 0, of: 4, largestDifference: 9, cosine: 0.1, sound: false };

const results = {
  ...{ date: '2026-01-01', command: 'npm run -s bench' },
  machine: { cpu: 'a processor', cores: 2, memory: 8, node: '20.0.0' },
  deit: [
    {
      ...{ title: 'DeiT-Tiny in Node', browser: false, threads: 1, engine: 'Node 20.0.0', simd: 'SIMD' },
      rows: [
        row('stock', 100),
        row('int8', 20),
        row('ort', 50),
        row('ort', 1, { agreement: unlike }),
        { id: 'float', name: 'float', error: 'took longer than 90 s' },
      ],
    },
    { error: 'no browser' },
  ],
};

test('a runtime that computes something else, or nothing, counts for no bar', async () => {
  const { bars } = (await import(tool('bars.mjs'))) as { bars(given: typeof results): Bar[] };
  const found = new Map(bars(results).map(({ work, value }) => [work, value]));
  expect(found.get('DeiT-Tiny W8A8 against stock TensorFlow.js, Node')).toBe(5);
  expect(found.get('the same against the fastest of onnxruntime-web, Node')).toBe(2.5);
  expect(found.get('the same against our own float path, Node')).toBeUndefined();
  expect(found.get('DeiT-Tiny W8A8 against stock TensorFlow.js, Chromium')).toBeUndefined();
});

test('what failed is a row or a line of the page, and the rest is there', async () => {
  const { document } = (await import(tool('report.mjs'))) as { document(given: object): string };
  const bars = [
    { work: 'fast', bar: 4, value: 3.9 },
    { work: 'small', bar: 7, value: undefined },
  ];
  const page = document({ ...results, bars }).split('\n');
  expect(page).toContain('| fast | 4.00 | 3.90 | **no** |');
  expect(page).toContain('| small | 7.00 | – | not measured |');
  expect(page).toContain('Failed: no browser');
  expect(page.find((line) => line.startsWith('| float |'))).toContain('failed: took longer than 90 s');
  expect(page.find((line) => line.includes('**another model**'))).toMatch(/^\| ort \| 1 \| 1\.00 ms/);
  expect(page).toContain('- stock; int8; ort; ort: MatMul 2');
});

test('outputs are compared over all questions', async () => {
  const { compareOutputs } = (await import(tool('agreement.mjs'))) as {
    compareOutputs(expected: Float32Array[], outputs: Float32Array[]): object;
  };
  const expected = [Float32Array.of(3, 4), Float32Array.of(0, 1)];
  const turned = [Float32Array.of(4, 3), Float32Array.of(0, 1)];
  expect(compareOutputs(expected, turned)).toMatchObject({ same: 1, of: 2, largestDifference: 1, sound: true });
  expect(compareOutputs(expected, [Float32Array.of(NaN, 4), Float32Array.of(0, 1)])).toMatchObject({ sound: false });
  expect(compareOutputs(expected, [Float32Array.of(3), Float32Array.of(0)])).toMatchObject({ sound: false });
});
