import fc from 'fast-check';
import { floats, stream } from '../testing/arbitrary.ts';
import { erf, erfExact } from '../testing/float/erf.ts';
import { gelu, geluGrad } from '../testing/float/gelu.ts';
import { differences, dot, expectSame, run } from '../testing/float/run.ts';

const special = [NaN, 0, -0, 1e-45, -1e-30, 88, -88, 1e5, -1e5, 3.92, -3.92];
const values = fc.array(fc.oneof(fc.float({ min: -12, max: 12 }), fc.constantFrom(...special)), { maxLength: 40 });

test('erf equals its definition, which is within 4e-7 of erf', async () => {
  await fc.assert(
    fc.asyncProperty(values, async (list) => {
      const [found] = await run('Erf', { x: floats([list.length], (i) => list[i]!) });
      expectSame(
        found,
        Float32Array.from(list, (x) => erf(Math.fround(x))),
      );
    }),
    { numRuns: 200 },
  );
  for (let i = -4000; i <= 4000; i++) {
    const x = Math.fround(i / 1000);
    expect(Math.abs(erf(x) - erfExact(x))).toBeLessThanOrEqual(4e-7 * Math.abs(erfExact(x)));
  }
});

test.each([false, true])('gelu and its gradient equal their definitions, with tanh: %s', async (approximate) => {
  await fc.assert(
    fc.asyncProperty(values, async (list) => {
      const x = floats([list.length], (i) => list[i]!);
      const dy = floats([list.length], (i) => ((i * 7) % 5) - 1.7);
      const [y] = await run('CqFusedGelu', { x }, { approximate });
      const [dx] = await run('CqFusedGeluGrad', { dy, x }, { approximate });
      expectSame(
        y,
        (x.data as Float32Array).map((value) => gelu(value, approximate)),
      );
      expectSame(
        dx,
        (x.data as Float32Array).map((value, i) => geluGrad(dy.data[i]!, value, approximate)),
      );
    }),
    { numRuns: 200 },
  );
});

test('gelu is x · Φ(x) or the form with tanh, within 4e-7 of the largest number met', () => {
  for (let i = -1000; i <= 1000; i++) {
    const x = Math.fround(i / 100);
    const exact = 0.5 * x * (1 + (Math.abs(x) < 5 ? erfExact(x * Math.SQRT1_2) : Math.sign(x)));
    const tanh = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    expect(Math.abs(gelu(x, false) - exact)).toBeLessThan(4e-7 * Math.max(1, Math.abs(x)));
    expect(Math.abs(gelu(x, true) - tanh)).toBeLessThan(4e-7 * Math.max(1, Math.abs(x)));
  }
});

test.each([false, true])('the gradient is that of small differences, with tanh: %s', async (approximate) => {
  const next = stream(3);
  const x = Float32Array.from({ length: 13 }, () => 6 * (next() - 0.5));
  const dy = floats([13], () => next() - 0.5);
  const loss = async (values: Float32Array): Promise<number> => {
    const [y] = await run('CqFusedGelu', { x: floats([13], (i) => values[i]!) }, { approximate });
    return dot(y!.data, dy.data);
  };
  const [dx] = await run('CqFusedGeluGrad', { dy, x: floats([13], (i) => x[i]!) }, { approximate });
  (await differences(loss, x, 1e-2)).forEach((slope, i) => expect(Math.abs(dx!.data[i]! - slope)).toBeLessThan(1e-4));
});

test('a gradient of another shape is refused', async () => {
  const refused = run('CqFusedGeluGrad', { dy: floats([2], () => 1), x: floats([3], () => 1) }, { approximate: false });
  await expect(refused).rejects.toThrow('CqFusedGeluGrad: dy must be [3], got [2]');
});
