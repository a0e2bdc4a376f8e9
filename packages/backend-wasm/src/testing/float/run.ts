import { engine, env, memory, setBackend, tensor, tidy, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import type { Attrs, Operand } from '@cq/core/runtime';
import '../../float/index.ts';

env().set('IS_TEST', true); // no advice to install another backend; every kernel's data are counted

/** Runs a kernel on the `wasm` backend: what it gives, and nothing of it stays. */
export async function run(
  kernel: string,
  operands: Readonly<Record<string, Operand>>,
  attrs: Attrs = {},
): Promise<readonly Operand[]> {
  await setBackend('wasm');
  const { numTensors, numDataBuffers } = memory();
  const inputs: NamedTensorMap = {};
  for (const [name, { data, shape, dtype }] of Object.entries(operands)) inputs[name] = tensor(data, [...shape], dtype);
  try {
    const outputs = tidy(() => engine().runKernel(kernel, inputs, attrs) as Tensor | Tensor[]);
    return [outputs].flat().map((output) => {
      const { dtype, shape } = output;
      const data = output.dataSync();
      output.dispose();
      return { dtype, shape, data } as Operand;
    });
  } finally {
    for (const input of Object.values(inputs)) input.dispose();
    expect(memory()).toMatchObject({ numTensors, numDataBuffers });
  }
}

/** The same floats, bit for bit; one NaN is as good as another. */
export function expectSame(found: Operand | undefined, expected: Float32Array): void {
  const canonical = (data: ArrayLike<number>) =>
    Buffer.from(Float32Array.from(data, (x) => (x === x ? x : NaN)).buffer);
  if (Buffer.compare(canonical(found!.data), canonical(expected)) !== 0) {
    expect(Array.from(found!.data)).toEqual(Array.from(expected));
  }
}

/** Slopes of a function of an array by central differences, in the numbers that it is made of. */
export async function differences(
  f: (x: Float32Array) => Promise<number>,
  x: Float32Array,
  step: number,
): Promise<number[]> {
  const slopes: number[] = [];
  for (const i of x.keys()) {
    const at = (change: number): Promise<number> => f(x.map((value, j) => (j === i ? value + change : value)));
    slopes.push(((await at(step)) - (await at(-step))) / (2 * step));
  }
  return slopes;
}

/** Σ of products in float64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
