import fc from 'fast-check';
import type { Operand } from '@cq/core/runtime';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { fakeQuantize, fakeQuantizeGrad, type Uniform } from '../testing/float/fake-quantize.ts';
import { expectSame, run } from '../testing/float/run.ts';

interface Case {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly range: readonly [low: number, high: number];
  readonly shifted: boolean;
  readonly seed: number;
}

const anyCase = fc.record<Case>({
  shape: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
  axis: fc.integer({ min: -1, max: 3 }),
  range: fc.constantFrom<Case['range']>([-2, 1], [0, 15], [-128, 127], [-32768, 32767]),
  ...{ shifted: fc.boolean(), seed },
});

const array = ({ data }: Operand): Float32Array => data as Float32Array;

async function check({ shape, axis: given, range: [low, high], shifted, seed }: Case): Promise<void> {
  const axis = Math.min(given, shape.length - 1);
  const next = stream(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  const channels = axis < 0 ? 1 : shape[axis]!;
  const inner = axis < 0 ? size : shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const outer = axis < 0 ? 1 : shape.slice(0, axis).reduce((product, length) => product * length, 1);
  const special = [NaN, Infinity, -Infinity, 3.4e38, 0, -0, 0.5, 1.5, -0.5];
  const x = floats(shape, () =>
    next() < 0.1 ? special[Math.floor(next() * special.length)]! : 3 * (high - low) * (next() - 0.5),
  );
  const dy = floats(shape, () => next() - 0.5);
  const scale = floats([channels], () => (next() < 0.2 ? 1 : 0.1 + next()));
  const zeroPoint = floats([channels], () => (shifted ? Math.round(low + next() * (high - low)) : 0));
  const uniform: Uniform = { outer, channels, inner, scale: array(scale), zeroPoint: array(zeroPoint), low, high };

  const [y] = await run('CqFakeQuantizeUniform', { x, scale, zeroPoint }, { axis, low, high });
  expectSame(y, fakeQuantize(array(x), uniform));
  const [dx, dscale] = await run('CqFakeQuantizeUniformGrad', { dy, x, scale, zeroPoint }, { axis, low, high });
  const expected = fakeQuantizeGrad(array(dy), array(x), uniform);
  expectSame(dx, expected.dx);
  expectSame(dscale, expected.dscale);
}

test('fake quantization and its gradients equal their definitions, per tensor and per channel of any axis', async () => {
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 400 });
});

test('the gradient passes straight through inside the range, and the slope of the scale is LSQ’s', async () => {
  const x = floats([4], (i) => [0.26, -100, 100, 0.3][i]!);
  const dy = floats([4], (i) => [1, 1, 1, 0][i]!);
  const [scale, zeroPoint] = [floats([1], () => 0.1), floats([1], () => 0)];
  const [dx, dscale] = await run(
    'CqFakeQuantizeUniformGrad',
    { dy, x, scale, zeroPoint },
    { axis: -1, low: -8, high: 7 },
  );
  expect([...dx!.data]).toEqual([1, 0, 0, 0]);
  expect(dscale!.data[0]).toBeCloseTo(3 - 2.6 + -8 + 7, 4);
});

test('what does not fit is refused', async () => {
  const [x, one] = [floats([2, 3], () => 1), floats([1], () => 1)];
  const attrs = { axis: 1, low: -8, high: 7 };
  await expect(run('CqFakeQuantizeUniform', { x, scale: one, zeroPoint: one }, attrs)).rejects.toThrow(
    'CqFakeQuantizeUniform: scale must be [3], got [1]',
  );
  await expect(run('CqFakeQuantizeUniform', { x, scale: one, zeroPoint: one }, { ...attrs, axis: 2 })).rejects.toThrow(
    'axis must be -1 to 1, got 2',
  );
});
