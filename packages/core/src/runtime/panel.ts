/**
 * Layout `k2n8` of a matrix of int8 codes `[outputs, inputs]`, in which kernels read the stored bytes in place:
 *
 *     panel p, pair i:   w[8p, 2i] w[8p, 2i+1]  w[8p+1, 2i] w[8p+1, 2i+1]  …  w[8p+7, 2i] w[8p+7, 2i+1]      (16 bytes)
 *
 * Panels of 8 outputs follow each other; inside a panel the pairs of inputs do. Both sizes are padded with zero codes.
 * A SIMD kernel widens 16 bytes to two vectors of int16 pairs and multiplies each with one splatted pair of inputs.
 */
export const PANEL_LAYOUT = 'k2n8';
export const PANEL_OUTPUTS = 8;

/** Bytes of a matrix in this layout. */
export function panelBytes(outputs: number, inputs: number): number {
  return Math.ceil(outputs / PANEL_OUTPUTS) * PANEL_OUTPUTS * Math.ceil(inputs / 2) * 2;
}

/** Place of entry `[output, input]`. */
export function panelIndex(output: number, input: number, inputs: number): number {
  const pairs = Math.ceil(inputs / 2);
  return ((output >> 3) * pairs + (input >> 1)) * 16 + (output & 7) * 2 + (input & 1);
}

/** Row-major codes `[outputs, inputs]` → bytes in this layout. */
export function toPanels(codes: Int8Array, outputs: number, inputs: number): Uint8Array {
  const panels = new Int8Array(panelBytes(outputs, inputs));
  for (let n = 0, from = 0; n < outputs; n++) {
    for (let k = 0, at = panelIndex(n, 0, inputs); k < inputs; k++, at += k & 1 ? 1 : 15) panels[at] = codes[from++]!;
  }
  return new Uint8Array(panels.buffer);
}

/** The reverse of `toPanels`. */
export function fromPanels(bytes: Uint8Array, outputs: number, inputs: number): Int8Array {
  const codes = new Int8Array(outputs * inputs);
  const panels = asInt8(bytes);
  for (let n = 0, to = 0; n < outputs; n++) {
    for (let k = 0, at = panelIndex(n, 0, inputs); k < inputs; k++, at += k & 1 ? 1 : 15) codes[to++] = panels[at]!;
  }
  return codes;
}

/** The same bytes, read as two's complement. */
export function asInt8(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
