import fc from 'fast-check';
import { fromPanels, panelBytes, panelIndex, toPanels } from './index.ts';

const matrix = fc
  .record({ outputs: fc.integer({ min: 1, max: 20 }), inputs: fc.integer({ min: 1, max: 20 }) })
  .chain(({ outputs, inputs }) =>
    fc.record({
      outputs: fc.constant(outputs),
      inputs: fc.constant(inputs),
      codes: fc.int8Array({ minLength: outputs * inputs, maxLength: outputs * inputs }),
    }),
  );

test('every code lies where panelIndex says, the rest is zero, and all come back', () => {
  fc.assert(
    fc.property(matrix, ({ outputs, inputs, codes }) => {
      const bytes = toPanels(codes, outputs, inputs);
      expect(bytes.length).toBe(panelBytes(outputs, inputs));
      const places = new Set<number>();
      for (let n = 0; n < outputs; n++) {
        for (let k = 0; k < inputs; k++) {
          const at = panelIndex(n, k, inputs);
          places.add(at);
          expect((bytes[at]! << 24) >> 24).toBe(codes[n * inputs + k]);
        }
      }
      expect(places.size).toBe(codes.length);
      expect(bytes.every((byte, at) => places.has(at) || byte === 0)).toBe(true);
      expect(fromPanels(bytes, outputs, inputs)).toEqual(codes);
    }),
  );
});
