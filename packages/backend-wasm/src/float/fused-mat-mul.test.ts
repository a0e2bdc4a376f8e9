import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { fused, setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { matMul } from '../testing/float/mat-mul.ts';
import { expectSame, run } from '../testing/float/run.ts';

const size = (min: number, max: number) => fc.integer({ min, max });

test('product, bias and relu equal their definition, transposed, in batches, and deeper than 48', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...[size(0, 3), size(1, 9), size(1, 19), fc.constantFrom(1, 48, 49, 130, 300)],
      ...[fc.boolean(), fc.boolean(), fc.constantFrom('linear', 'relu'), seed],
      async (
        ...[batch, rows, columns, depth, transposeA, transposeB, activation, from]: readonly [
          ...[number, number, number, number, boolean, boolean, string, number],
        ]
      ) => {
        const next = stream(from);
        const some = (...shape: number[]) => floats(shape, () => next() - 0.5);
        const a = transposeA ? some(batch, depth, rows) : some(batch, rows, depth);
        const b = transposeB ? some(batch, columns, depth) : some(batch, depth, columns);
        const bias = some(columns);
        const [found] = await run('_FusedMatMul', { a, b, bias }, { transposeA, transposeB, activation });
        expect(found!.shape).toEqual([batch, rows, columns]);
        for (let i = 0; i < batch; i++) {
          const product = matMul(
            (r, k) => a.data[i * rows * depth + (transposeA ? k * rows + r : r * depth + k)]!,
            (k, n) => b.data[i * depth * columns + (transposeB ? n * depth + k : k * columns + n)]!,
            { rows, columns, depth },
            (_, n) => bias.data[n]!,
          );
          const data = found!.data.slice(i * rows * columns, (i + 1) * rows * columns) as Float32Array;
          expectSame(
            { dtype: 'float32', shape: [rows, columns], data },
            activation === 'relu' ? product.map((x) => Math.max(x, 0)) : product,
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;

test.each(activations)('%s gives what the cpu backend gives, whatever the bias', async (activation) => {
  const next = stream(7);
  const values = (count: number) => Float32Array.from({ length: count }, () => 4 * (next() - 0.5));
  const [a, b, slopes] = [values(6 * 60), values(60 * 5), values(5)];
  for (const [bias, shape] of [
    [values(5), [5]],
    [values(1), []],
    [values(6), [6, 1]],
  ] as const) {
    const results: number[][] = [];
    for (const backend of ['wasm', 'cpu']) {
      await setBackend(backend);
      const tensors: Tensor[] = [tensor(a, [6, 60]), tensor(b, [5, 60]), tensor(bias, [...shape]), tensor(slopes)];
      const [left, right, shift, weights] = tensors as [Tensor, Tensor, Tensor, Tensor];
      const y = fused.matMul({
        ...{ a: left, b: right, transposeB: true, activation, leakyreluAlpha: 0.3 },
        // On wasm, TensorFlow.js itself takes vectors alone.
        ...{ bias: shift, preluActivationWeights: activation === 'prelu' ? weights : undefined },
      } as Parameters<typeof fused.matMul>[0]);
      results.push([...y.dataSync()]);
      for (const each of [y, ...tensors]) each.dispose();
    }
    const [wasm, cpu] = results as [number[], number[]];
    wasm.forEach((value, i) => expect(value).toBeCloseTo(cpu[i]!, 4));
  }
});
