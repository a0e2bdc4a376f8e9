import fc from 'fast-check';
import type { Operand } from '@cq/core/runtime';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { layerNorm, layerNormGrad } from '../testing/float/layer-norm.ts';
import { differences, dot, expectSame, run } from '../testing/float/run.ts';

function operands(rows: number, channels: number, from: number): Record<'x' | 'gamma' | 'beta' | 'dy', Operand> {
  const next = stream(from);
  const some = (shape: number[], offset = 0) => floats(shape, () => 3 * next() + offset);
  return {
    ...{ x: some([rows, channels], -0.7), gamma: some([channels]), beta: some([channels], -1) },
    dy: some([rows, channels], -1.5),
  };
}

const array = ({ data }: Operand): Float32Array => data as Float32Array;

test('layer norm and its gradient equal their definitions', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...[fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 70 }), fc.constantFrom(0, 1e-12, 1e-5), seed],
      async (rows: number, channels: number, epsilon: number, from: number) => {
        const { x, gamma, beta, dy } = operands(rows, channels, from);
        const [y] = await run('CqFusedLayerNorm', { x, gamma, beta }, { epsilon });
        expectSame(y, layerNorm(array(x), array(gamma), array(beta), epsilon));
        const found = await run('CqFusedLayerNormGrad', { dy, x, gamma }, { epsilon });
        const { dx, dgamma, dbeta } = layerNormGrad(array(dy), array(x), array(gamma), epsilon);
        [dx, dgamma, dbeta].forEach((expected, i) => expectSame(found[i], expected));
      },
    ),
    { numRuns: 200 },
  );
});

test('rows of the width of Transformers, many of them', async () => {
  for (const channels of [192, 767, 3072]) {
    const { x, gamma, beta, dy } = operands(50, channels, channels);
    const [y] = await run('CqFusedLayerNorm', { x, gamma, beta }, { epsilon: 1e-6 });
    expectSame(y, layerNorm(array(x), array(gamma), array(beta), 1e-6));
    const [, dgamma] = await run('CqFusedLayerNormGrad', { dy, x, gamma }, { epsilon: 1e-6 });
    expectSame(dgamma, layerNormGrad(array(dy), array(x), array(gamma), 1e-6).dgamma);
  }
});

test('the gradients are those of small differences', async () => {
  const [rows, channels] = [2, 5];
  const { dy, ...given } = operands(rows, channels, 9);
  const found = await run('CqFusedLayerNormGrad', { dy, x: given.x, gamma: given.gamma }, { epsilon: 1e-5 });
  for (const [i, name] of (['x', 'gamma', 'beta'] as const).entries()) {
    const loss = async (data: Float32Array): Promise<number> => {
      const [y] = await run('CqFusedLayerNorm', { ...given, [name]: { ...given[name], data } }, { epsilon: 1e-5 });
      return dot(y!.data, dy.data);
    };
    const slopes = await differences(loss, array(given[name]), 1e-2);
    slopes.forEach((slope, j) => expect(Math.abs(found[i]!.data[j]! - slope)).toBeLessThan(1e-3));
  }
});

test('what does not fit is refused', async () => {
  const { x, gamma } = operands(2, 3, 1);
  const beta = floats([2], () => 0);
  const refused = run('CqFusedLayerNorm', { x, gamma, beta }, { epsilon: 0 });
  await expect(refused).rejects.toThrow('CqFusedLayerNorm: beta must be [3], got [2]');
});
