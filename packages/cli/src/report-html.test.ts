import type { CompressionReport } from './compression-report.ts';
import { reportHtml } from './report-html.ts';

const report: CompressionReport = {
  model: 'models/<script>alert("x")</script>',
  recipe: 'int8',
  seed: 1,
  samples: 128,
  version: '1.0.0',
  passes: [
    {
      name: 'quantize-uniform',
      options: { weights: 8, only: ["/a'b/"] },
      changed: [
        { value: 'w & v', role: 'weight', bits: 8, scales: 192 },
        { value: 'x', role: 'operand', bits: 8, scale: 0.0123456, zeroPoint: -3 },
        {
          value: 'z',
          scale: { before: 0.5, after: 0.25 },
          strength: 0.9,
          error: { before: 1, after: 0.1 },
          maxima: [1, 2],
        },
      ],
      skipped: [{ value: 'y<1>', reason: 'outside the scope' }],
      milliseconds: 12.3,
    },
  ],
  bytes: { before: 22e6, after: 5.5e6, ratio: 0.25 },
  left: [{ value: 'logits', reason: 'it is an <output>' }],
  milliseconds: 60_000,
  date: '2025-01-01T00:00:00.000Z',
  machine: { node: '22.0.0', cpu: 'A & B', cores: 2 },
};

test('shows the sizes, the passes, the values and what stayed in float', async () => {
  const html = await reportHtml(report);
  for (const text of [
    '4.00×',
    'smaller, 22.0 MB → 5.50 MB',
    '192 scales',
    '0.01235',
    '-3',
    '0.5 → 0.25',
    'strength 0.9, error 1 → 0.1<',
    'outside the scope',
    'weights: 8',
  ]) {
    expect(html).toContain(text);
  }
});

test('nothing of a model becomes markup', async () => {
  const html = await reportHtml(report);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toContain('y<1>');
  expect(html).not.toContain('<output>');
  expect(html).toContain('w &amp; v');
  expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)');
});

test('asks nobody for anything: no address, no import', async () => {
  const html = (await reportHtml(report)).replaceAll('http://www.w3.org/', '');
  expect(html).not.toMatch(/https?:|src=|href=|@import|url\(/);
});
