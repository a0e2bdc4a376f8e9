import '@tensorflow/tfjs-backend-cpu';
import { dispose, einsum, grads, memory, setBackend, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { stream } from '../testing/arbitrary.ts';
import { differences, dot } from '../testing/float/run.ts';

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 6 };

const equations = [
  ...['ab,bc->ac', 'ab,cb->ac', 'ba,bc->ac', 'ba,cb->ca', 'abc,acd->abd', 'abc,adc->abd', 'bac,cad->dab'],
  ...['abcd,ade->abce', 'abc,cde->abde', 'a,b->ab', 'ab,ab->ab', 'ab,ab->', 'ab,ab->a', 'abc,bd->ad', 'a,a->'],
  ...['abc->cab', 'abc->b', 'abc->', 'ab->ab', 'ab, bc -> ca'],
];

function tensors(equation: string): Tensor[] {
  const next = stream(equation.length);
  return equation
    .replace(/\s/g, '')
    .split('->')[0]!
    .split(',')
    .map((labels) => {
      const shape = [...labels].map((label) => sizes[label]!);
      const size = shape.reduce((product, length) => product * length, 1);
      return tensor(
        Float32Array.from({ length: size }, () => next() - 0.5),
        shape,
      );
    });
}

const values = (list: readonly Tensor[]) => list.map((each) => ({ shape: each.shape, data: [...each.dataSync()] }));

test.each(equations)('%s gives what the cpu backend gives, and leaves nothing behind', async (equation) => {
  const results: ReturnType<typeof values>[] = [];
  for (const backend of ['wasm', 'cpu']) {
    await setBackend(backend);
    const { numTensors } = memory();
    const given = tensors(equation);
    const y = einsum(equation, ...given);
    results.push(values([y]));
    for (const each of [y, ...given]) each.dispose();
    expect(memory().numTensors).toBe(numTensors);
  }
  const [[wasm], [cpu]] = results as [ReturnType<typeof values>, ReturnType<typeof values>];
  expect(wasm!.shape).toEqual(cpu!.shape);
  wasm!.data.forEach((value, i) => expect(value).toBeCloseTo(cpu!.data[i]!, 5));
});

// Of the last one, the cpu backend keeps axes that it should sum over.
test.each([...equations, 'ab,cd->'])('the gradients of %s are those of small differences', async (equation) => {
  await setBackend('wasm');
  const given = tensors(equation);
  const { shape, data } = values([einsum(equation, ...given)])[0]!;
  const next = stream(9);
  const dy = Float32Array.from(data, () => next() - 0.5);
  const found = grads((...list: Tensor[]) => einsum(equation, ...list))(given, tensor(dy, shape));
  for (const [k, x] of given.entries()) {
    expect(found[k]!.shape).toEqual(x.shape);
    const loss = async (moved: Float32Array): Promise<number> => {
      const y = einsum(equation, ...given.map((each, j) => (j === k ? tensor(moved, x.shape) : each)));
      return dot(y.dataSync(), dy);
    };
    const slopes = await differences(loss, x.dataSync() as Float32Array, 1e-1); // einsum is linear in each operand
    slopes.forEach((slope, i) => expect(found[k]!.dataSync()[i]!).toBeCloseTo(slope, 4));
  }
  dispose([...given, ...found]);
});
