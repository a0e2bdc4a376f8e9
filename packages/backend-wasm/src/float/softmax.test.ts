import fc from 'fast-check';
import { floats, stream } from '../testing/arbitrary.ts';
import { softmax, softmaxGrad } from '../testing/float/softmax.ts';
import { differences, dot, expectSame, run } from '../testing/float/run.ts';

test('softmax and its gradient equal their definitions, masked and huge logits too', async () => {
  const logit = fc.oneof(
    fc.float({ min: -30, max: 30, noNaN: true }),
    fc.constantFrom(-Infinity, -1e9, -3.4e38, 3.4e38, 0, NaN),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 23 }), fc.array(logit, { maxLength: 80 }), async (columns, logits) => {
      const rows = Math.floor(logits.length / columns);
      const x = floats([rows, columns], (i) => logits[i]!);
      const dy = floats([rows, columns], (i) => ((i * 7) % 5) - 1.7);
      const [y] = await run('CqFusedSoftmax', { x });
      const [dx] = await run('CqFusedSoftmaxGrad', { dy, y: y! });
      const row = (data: typeof x.data, r: number) => data.slice(r * columns, (r + 1) * columns) as Float32Array;
      const each = (f: (r: number) => Float32Array) =>
        Float32Array.from(Array.from({ length: rows }, (_, r) => [...f(r)]).flat());
      expectSame(
        y,
        each((r) => softmax(row(x.data, r))),
      );
      expectSame(
        dx,
        each((r) => softmaxGrad(row(dy.data, r), row(y!.data, r))),
      );
    }),
    { numRuns: 300 },
  );
});

test('a masked key gets exactly nothing, and a row sums to 1', async () => {
  const x = floats([1, 197], (i) => (i % 3 === 0 ? -1e9 : Math.sin(i) * 9));
  const [y] = await run('CqFusedSoftmax', { x });
  y!.data.forEach((value, i) => expect(value === 0).toBe(i % 3 === 0));
  expect(Math.abs(dot(y!.data, new Float32Array(197).fill(1)) - 1)).toBeLessThan(1e-6);
  const sum = (x.data as Float32Array).reduce((total, value) => total + Math.exp(value - 9), 0);
  y!.data.forEach((value, i) => expect(Math.abs(value - Math.exp(x.data[i]! - 9) / sum)).toBeLessThan(2e-7));
});

test('the gradient is that of small differences', async () => {
  const next = stream(4);
  const x = Float32Array.from({ length: 12 }, () => 3 * next());
  const dy = floats([2, 6], () => next() - 0.5);
  const forward = async (data: Float32Array) =>
    (await run('CqFusedSoftmax', { x: floats([2, 6], (i) => data[i]!) }))[0]!;
  const [dx] = await run('CqFusedSoftmaxGrad', { dy, y: await forward(x) });
  const slopes = await differences(async (data) => dot((await forward(data)).data, dy.data), x, 1e-2);
  slopes.forEach((slope, i) => expect(Math.abs(dx!.data[i]! - slope)).toBeLessThan(1e-4));
});

test('rows of nothing are refused', async () => {
  const refused = run('CqFusedSoftmax', { x: floats([2, 0], () => 0) });
  await expect(refused).rejects.toThrow('CqFusedSoftmax: the last axis must not be empty, got [2, 0]');
});
