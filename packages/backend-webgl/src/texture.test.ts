import fc from 'fast-check';
import { elementBits, fromTexels, perTexel, textureBytes, textureSize, toTexels } from './texture.ts';

test('a texture has room for its elements, and wastes less than a row', () => {
  const sizes = fc.oneof(fc.nat(5000), fc.nat(2 ** 27));
  fc.assert(
    fc.property(sizes, fc.constantFrom(8, 16, 32), (size, bits) => {
      const { width, height, shift } = textureSize(size, bits);
      const texels = width * height;
      expect(texels * perTexel(bits)).toBeGreaterThanOrEqual(size);
      expect(texels - Math.ceil(size / perTexel(bits))).toBeLessThan(Math.max(width, 2));
      expect(width).toBeLessThanOrEqual(2 ** shift);
      expect(height === 1 || width === 2 ** shift).toBe(true);
      if (size * bits <= 2 ** 29) expect(height).toBeLessThanOrEqual(2048); // every WebGL2 has such a texture
    }),
  );
});

test('what goes into a texture comes out of it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 99 }), fc.float32Array({ maxLength: 99 }), (codes, floats) => {
      for (const [data, bits, dtype] of [
        [codes, 8, 'bool'],
        [floats, 32, 'float32'],
      ] as const) {
        const { width, height } = textureSize(data.length, bits);
        const texels = toTexels(data, width, height);
        expect(texels.byteLength).toBe(textureBytes({ width, height }));
        expect(fromTexels(texels, { bits, size: data.length }, dtype)).toEqual(data);
      }
    }),
  );
});

test('codes of 16 bits are read as int32', () => {
  const texels = new Uint32Array(Int16Array.of(-3, 32767, -32768, 0, 1, 2, 3, 4).buffer);
  expect(fromTexels(texels, { bits: 16, size: 3 }, 'int32')).toEqual(Int32Array.of(-3, 32767, -32768));
});

test('codes take no more than their bits need', () => {
  expect([1, 8, 9, 16, 17, 32].map(elementBits)).toEqual([8, 8, 16, 16, 32, 32]);
});
