import { simdLevel, widest } from './bench-simd.ts';

test('every engine that runs these tests has SIMD', () => {
  expect(['SIMD', 'relaxed SIMD']).toContain(simdLevel());
});

test('of several processes, the one that has more counts', () => {
  expect(widest(['SIMD', 'relaxed SIMD', 'no SIMD'])).toBe('relaxed SIMD');
  expect(widest(['no SIMD', 'SIMD'])).toBe('SIMD');
  expect(widest([])).toBe('no SIMD');
});
