import { kernelVariant } from './variant.ts';

test('every Node that is supported runs the relaxed variant', () => {
  expect(kernelVariant()).toBe('relaxed-simd');
});

test('an engine without relaxed SIMD runs the plain variant', () => {
  const validate = jest.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  expect(kernelVariant()).toBe('simd');
  validate.mockRestore();
});
