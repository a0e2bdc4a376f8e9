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

test('a bar that is not met says why, from what was measured', async () => {
  const { bars } = (await import(tool('bars.mjs'))) as {
    bars(given: object): (Bar & { evidence?: readonly string[] })[];
  };
  const kernels = [
    { kernel: 'CqLinear', count: 2, best: 10, multiplications: 4e8 },
    { kernel: 'CqAttention', count: 1, best: 4, multiplications: 1e8 },
  ];
  const profile = { between: 1, peaks: { 'int16 dot + add': 50 }, rows: kernels };
  const slow = { ...profile, rows: [{ kernel: 'BatchMatMul', count: 1, best: 62 }] };
  const size = (name: string, stock: number, int8: number) => ({
    ...{ size: name, batch: 1, stock: row('stock', stock), int8: row('int8', int8, { ratio: stock / int8 }) },
  });
  const given = {
    ...results,
    deit: [
      { ...results.deit[0], rows: [row('stock', 100), row('int8', 40), row('float', 60)] },
      {
        ...{ engine: 'Node 20.0.0', threads: 2 },
        rows: [row('stock', 100), row('int8', 30, { threads: 2 }), row('int8-single', 40)],
      },
    ],
    profile,
    scaling: [size('Tiny', 100, 10), size('Base', 1000, 200)],
    minilm: { rows: [row('stock', 63), row('int8', 25)], profiles: { stock: slow, int8: profile } },
  };
  const why = new Map(bars(given).map(({ work, evidence }) => [work, evidence?.join(' ')]));
  const deit = why.get('DeiT-Tiny W8A8 against stock TensorFlow.js, Node');
  expect(deit).toContain('0.90 GMAC of the model alone take 18.0 ms');
  expect(deit).toContain('linear layers take 20.0 ms (40.0 GMAC/s), attention 4.0 ms (25.0 GMAC/s)');
  expect(why.get('the same against our own float path, Node')).toContain('float took 60.0 ms');
  expect(why.get('DeiT-Base size W8A8: ratio to stock by that at Tiny size, batch 1')).toContain('Stock TensorFlow.js');
  // 63 of 25, and 63 of 25 − 20 + 800 / 50
  expect(why.get('MiniLM W8A8, 64 tokens, against stock TensorFlow.js')).toMatch(/is 2\.52×.* would be 3\.00×/);
  expect(why.get('two threads against one, DeiT-Tiny W8A8, Node 20.0.0')).toContain('1.33× as fast as one');
  expect(why.get('the same against the fastest of onnxruntime-web, Node')).toBeUndefined();
});

test('what failed is a row or a line of the page, and the rest is there', async () => {
  const { document } = (await import(tool('report.mjs'))) as { document(given: object): string };
  const bars = [
    { work: 'fast', bar: 4, value: 3.9 },
    { work: 'small', bar: 7, value: undefined },
    ...['here', 'there'].map((work) => ({ work, bar: 2, value: 1, evidence: ['It is slow.', `${work} it is cold.`] })),
  ];
  const page = document({ ...results, bars }).split('\n');
  expect(page).toContain('| fast | 4.00 | 3.90 | **no** |');
  expect(page).toContain('| small | 7.00 | – | not measured |');
  expect(page).toContain('- here; there: It is slow.');
  expect(page).toContain('- there: there it is cold.');
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
