import { checkpoint } from './checkpoint.ts';
import type { Tensor } from './safetensors.ts';

const tensors = new Map([
  ['a.weight', { shape: [2, 3], data: new Float32Array(6) }],
  ['a.ids', { shape: [1], data: new Int32Array(1) }],
]);
const open = () => checkpoint(tensors, 'm/model.safetensors');

test.each<[string, () => unknown, string]>([
  [
    'a missing tensor',
    () => open().take('a.bias', [3]),
    'tensor "a.bias" of shape [3] must be there by config.json, got no such tensor',
  ],
  [
    'another shape',
    () => open().take('a.weight', [3, 2]),
    'tensor "a.weight" must have shape [3, 2] by config.json, got [2, 3]',
  ],
  ['another rank', () => open().take('a.weight', [2, 3, 1]), 'must have shape [2, 3, 1] by config.json, got [2, 3]'],
  ['integers', () => open().take('a.ids', [1]), 'tensor "a.ids" must be of a float type, got integers'],
  [
    'leftovers',
    () => open().finish([]),
    'every tensor must have a place in the architecture of config.json, got "a.weight" and 1 more',
  ],
  ['a leftover', () => open().finish(['a.weight']), 'of config.json, got "a.ids"'],
])('%s', (_, act, message) => {
  expect(act).toThrow(message);
  expect(act).toThrow(/^m\/model\.safetensors: /);
});

test('tied tensors are one, whichever of them are there', () => {
  const [a, b] = [1, 2].map((value) => ({ shape: [2], data: Float32Array.of(0, value) }));
  const tied = (...entries: [string, typeof a][]) => {
    const whole = checkpoint(new Map(entries as [string, Tensor][]), 'm');
    const data = whole.takeTied(['first', 'second'], [2]);
    whole.finish([]);
    return data;
  };
  expect(tied(['first', a])).toBe(a!.data);
  expect(tied(['second', b])).toBe(b!.data);
  expect(tied(['first', a], ['second', { ...a!, data: a!.data.slice() }])).toBe(a!.data);
  expect(() => tied(['first', a], ['second', b])).toThrow(
    'm: tensor "second" must equal "first", to which config.json ties it, got another value at index 1',
  );
  expect(() => tied()).toThrow('m: tensor "first" of shape [2] must be there by config.json, got no such tensor');
});

test('what was taken, or does not matter, is not left over', () => {
  const whole = open();
  expect(whole.take('a.weight', [2, 3])).toBe(tensors.get('a.weight')!.data);
  whole.finish(['a.ids', 'a.more']);
});
