import { recipePasses } from './recipes.ts';

test('options of a recipe reach its passes, and others refuse them by name', () => {
  const iterations = (effort: 'quick' | 'long'): unknown =>
    recipePasses('tp-vit', { effort })[1]!.options['iterations'];
  expect([iterations('quick'), iterations('long')]).toEqual([60, 3000]);
  expect(recipePasses('tp-vit-w6a6', { strict: true })[1]!.options['strict']).toBe(true);
  expect(() => recipePasses('int8', { strict: true })).toThrow(
    'compress: int8 takes no --strict; tp-vit-w6a6, tp-vit-w4a4, tp-vit do',
  );
  expect(() => recipePasses('tp-vit-w6a6', { effort: 'long' })).toThrow('tp-vit-w6a6 takes no --effort');
});
