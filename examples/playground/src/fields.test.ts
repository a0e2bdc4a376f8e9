import { fieldsOf, parsed, whatIsWrong } from './fields.ts';
import { passes, recipes } from './passes.ts';

const fields = (name: string) => fieldsOf(passes.get(name)!);

test('a form has the options of the pass with their defaults, and offers the words that it knows', () => {
  expect(fields('quantize-uniform')).toEqual([
    { name: 'weights', kind: 'number', value: 8, choices: [] },
    { name: 'activations', kind: 'number', value: 8, choices: [] },
    { name: 'index', kind: 'number', value: 12, choices: [] },
    { name: 'positions', kind: 'number', value: 16, choices: [] },
    { name: 'range', kind: 'choice', value: 'percentile', choices: ['min-max', 'percentile', 'mse'] },
    { name: 'weightRange', kind: 'choice', value: 'min-max', choices: ['min-max', 'percentile', 'mse'] },
  ]);
  expect(fields('quantize-pot').find(({ name }) => name === 'fold')).toMatchObject({ kind: 'flag', value: true });
  expect(fields('quantize-pot').find(({ name }) => name === 'streams')?.choices).toEqual(['per-channel', 'per-tensor']);
});

test.each([...passes.keys()])('every word that %s is offered with is one that it takes', (name) => {
  for (const { name: option, choices, value } of fields(name)) {
    for (const choice of choices) expect(whatIsWrong(passes.get(name)!, { [option]: choice })).toBeUndefined();
    if (choices.length > 0) expect(choices).toContain(value);
  }
});

test('what is wrong is said in the words of the pass', () => {
  expect(whatIsWrong(passes.get('quantize-uniform')!, { weights: 9 })).toBe(
    'quantize-uniform: weights must be 2 to 8 bits, got 9',
  );
});

test('every recipe is made of passes that the page has', () => {
  for (const passesOf of Object.values(recipes)) {
    for (const { name } of passesOf()) expect(passes.has(name)).toBe(true);
  }
});

test('a text is JSON where it can be', () => {
  expect(['auto', '0.5', '[8, 16]'].map(parsed)).toEqual(['auto', 0.5, [8, 16]]);
});
