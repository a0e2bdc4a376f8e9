import { accept } from './accept.ts';
import { CqQuantize } from './quantize.ts';

const attrs = { scale: 1, zeroPoint: 0, bits: 8 };
const given = (...shape: number[]) => ({ x: { dtype: 'float32' as const, shape } });

test('operands of the same types and shapes are checked once, others again', () => {
  const check = jest.spyOn(CqQuantize, 'check');
  const frozen = Object.freeze({ ...attrs });
  try {
    expect(accept(CqQuantize, given(2, 3), frozen)).toMatchObject({
      shapes: { x: [2, 3] },
      output: { dtype: 'bool', shape: [2, 3] },
      size: 6,
    });
    accept(CqQuantize, given(2, 3), frozen);
    expect(check).toHaveBeenCalledTimes(1);
    expect(accept(CqQuantize, given(2, 4), frozen).size).toBe(8);
    expect(accept(CqQuantize, given(2, 4, 1), frozen).output.shape).toEqual([2, 4, 1]);
    expect(check).toHaveBeenCalledTimes(3);
  } finally {
    check.mockRestore();
  }
});

test('what was refused is refused again, and what was accepted in another type', () => {
  const frozen = Object.freeze({ ...attrs });
  accept(CqQuantize, given(2, 3), frozen);
  const codes = { x: { dtype: 'bool' as const, shape: [2, 3] } };
  for (let i = 0; i < 2; i++) expect(() => accept(CqQuantize, codes, frozen)).toThrow('CqQuantize: x must be float32');
  expect(accept(CqQuantize, given(2, 3), frozen).size).toBe(6);
});

test('neither a shape nor attributes that change later are taken for the old ones', () => {
  const loose = { ...attrs };
  const operands = given(2, 3);
  accept(CqQuantize, operands, loose);
  loose.bits = 99;
  expect(() => accept(CqQuantize, operands, loose)).toThrow('CqQuantize: bits must be 1 to 16, got 99');

  const frozen = Object.freeze({ ...attrs });
  accept(CqQuantize, operands, frozen);
  operands.x.shape[0] = 5;
  expect(accept(CqQuantize, operands, frozen).size).toBe(15);
});
