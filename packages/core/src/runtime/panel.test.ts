import fc from 'fast-check';
import { codeRange, fromPanels, layoutOf, panelBytes, storedBits, toPanels } from './index.ts';
import { checkPanels } from './panel.ts';

const matrix = fc
  .record({
    weightBits: fc.constantFrom(1, 2, 3, 4, 8),
    outputs: fc.integer({ min: 1, max: 20 }),
    inputs: fc.integer({ min: 1, max: 40 }),
  })
  .chain((sizes) => {
    const [min, max] = codeRange(sizes.weightBits);
    const length = sizes.outputs * sizes.inputs;
    const codes = fc.array(fc.integer({ min, max }), { minLength: length, maxLength: length });
    return fc.record({ sizes: fc.constant(sizes), codes: codes.map((values) => Int8Array.from(values)) });
  });

/** Takes entry [n, k] out of panels by the words of the layout, leaving zero bits. */
function take(panels: Uint8Array, n: number, k: number, inputs: number, bits: number): number {
  const panel = Math.floor(n / 8);
  if (bits === 8) {
    const at = (panel * Math.ceil(inputs / 2) + Math.floor(k / 2)) * 16 + 2 * (n % 8) + (k % 2);
    const code = (panels[at]! << 24) >> 24;
    panels[at] = 0;
    return code;
  }
  const block = (panel * Math.ceil(inputs / 16) + Math.floor(k / 16)) * 16 * bits;
  const line = 2 * Math.floor((k % 16) / 4) + Math.floor((n % 8) / 4);
  const place = 4 * (n % 4) + (k % 4);
  const field = (from: number, width: number): number => {
    const lines = 8 / width; // in a vector
    const at = from + 16 * Math.floor(line / lines) + place;
    const shift = width * (line % lines);
    const value = (panels[at]! >> shift) & (2 ** width - 1);
    panels[at] = panels[at]! & ~((2 ** width - 1) << shift);
    return value;
  };
  const stored = bits === 3 ? field(block, 2) + 4 * field(block + 32, 1) : field(block, bits);
  return stored - 2 ** (bits - 1);
}

test('every code lies where the layout says, the rest is zero, and all come back', () => {
  fc.assert(
    fc.property(matrix, ({ sizes: { weightBits, outputs, inputs }, codes }) => {
      const panels = toPanels(codes, outputs, inputs, weightBits);
      expect(panels.length).toBe(panelBytes(outputs, inputs, weightBits));
      expect(fromPanels(panels, outputs, inputs, weightBits)).toEqual(codes);
      const taken = Int8Array.from(codes, (_, i) =>
        take(panels, Math.floor(i / inputs), i % inputs, inputs, weightBits),
      );
      expect(taken).toEqual(codes);
      expect(panels.every((byte) => byte === 0)).toBe(true);
    }),
  );
});

test('codes of so many bits take so many bits, those of 5 to 7 a byte', () => {
  const bytes = [1, 2, 3, 4, 5, 6, 7, 8].map((bits) => panelBytes(768, 3072, storedBits(bits)));
  expect(bytes.map((size) => (size * 8) / (768 * 3072))).toEqual([1, 2, 3, 4, 8, 8, 8, 8]);
});

test.each([
  [{ weightBits: 5 }, 'weightBits must be 1 to 4, or 8, got 5'],
  [{ weightBits: 0 }, 'weightBits must be 1 to 4, or 8, got 0'],
  [{ layout: 'k2n8' }, 'layout of 4-bit weights must be "k16n8", got "k2n8"'],
  [{ weightBits: 8 }, 'layout of 8-bit weights must be "k2n8", got "k16n8"'],
  [{ weightBits: 3 }, 'w must have 96 bytes, got [128]'],
  [{ inputs: 33 }, 'w must have 192 bytes, got [128]'],
  [{ outputs: 0 }, 'outputs must be a positive integer, got 0'],
  [{ inputs: -16 }, 'inputs must be 1 to 16777216, got -16'],
  [{ inputs: 2 ** 31 - 1, outputs: 2 ** 31 - 1 }, 'inputs must be 1 to 16777216, got 2147483647'],
])('a weight that is not as it says is refused: %j', (change, message) => {
  const attrs = { outputs: 5, inputs: 20, weightBits: 4, layout: layoutOf(4) };
  const w = { dtype: 'bool', shape: [128] } as const;
  expect(() => checkPanels('CqLinear', w, attrs)).not.toThrow();
  expect(() => checkPanels('CqLinear', w, { ...attrs, ...change })).toThrow(`CqLinear: ${message}`);
});
