import { readWeights } from './weights.ts';
import { reader } from './json-reader.ts';

// Golden G20: how TensorFlow.js stores [−1.2, −0.3, 0, 0.4, 0.85, 2.0] in a byte each, zero among the levels.
test('weights that TensorFlow.js stored as uint8 come back as scale · code + min', () => {
  const quantization = { dtype: 'uint8', scale: 0.01254902, min: -1.2047059 } as const;
  const weightSpecs = [{ name: 'w', dtype: 'float32' as const, shape: [6], quantization }];
  const weightData = Uint8Array.of(0, 72, 96, 128, 164, 255).buffer;
  const { data, dtype } = readWeights({ weightSpecs, weightData }, reader('model')).get('w')!;
  expect(dtype).toBe('float32');
  const x = [-1.2, -0.3, 0, 0.4, 0.85, 2.0];
  for (const [i, value] of x.entries()) expect(Math.abs(data[i]! - value)).toBeLessThanOrEqual(0.01254902 / 2);
  expect(data[2]).toBeCloseTo(0, 6);
});
