import type { Weight } from '../index.ts';
import { distinctWeights } from './distinct.ts';

const weight = (name: string, data: Weight['data'], shape: readonly number[] = [data.length]): Weight => ({
  ...{ name, shape, data },
  dtype: data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool',
});

test('a constant with the type, shape and bytes of an earlier one is that one', () => {
  const distinct = distinctWeights();
  const first = distinct(weight('first', Int32Array.of(1, 2, 3, 4)));
  expect(first.name).toBe('first');
  expect(distinct(weight('again', Int32Array.of(1, 2, 3, 4)))).toBe(first);
  expect(distinct(weight('within', Int32Array.of(0, 1, 2, 3, 4, 5).subarray(1, 5)))).toBe(first);
});

test.each([
  weight('other values', Int32Array.of(1, 2, 3, 5)),
  weight('other shape', Int32Array.of(1, 2, 3, 4), [2, 2]),
  weight('other type', new Float32Array(Int32Array.of(1, 2, 3, 4).buffer)),
  weight('other length', Int32Array.of(1, 2, 3, 4, 0)),
  weight('zeros of the other sign', Float32Array.of(-0)),
])('one of $name is itself', (other) => {
  const distinct = distinctWeights();
  for (const data of [Int32Array.of(1, 2, 3, 4), Float32Array.of(0)]) distinct(weight('first', data));
  expect(distinct(other)).toBe(other);
});
