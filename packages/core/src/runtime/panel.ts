import { ensure, sizeOf, type Shaped } from './op.ts';

/**
 * The orders of a matrix of codes `[outputs, inputs]` in which kernels take weights. Panels of 8 outputs follow each other,
 * and both sizes are padded. The bits in which a code is stored decide the order inside a panel.
 *
 * `k2n8`, 8 bits: pairs of inputs, two's complement. A SIMD kernel reads the stored bytes in place: it widens 16 of them to two
 * vectors of int16 pairs and multiplies each with one splatted pair of inputs.
 *
 *     panel p, pair i:   w[8p, 2i] w[8p, 2i+1]  w[8p+1, 2i] w[8p+1, 2i+1]  …  w[8p+7, 2i] w[8p+7, 2i+1]      (16 bytes)
 *
 * `k16n8`, b = 1 to 4 bits: blocks of 16 inputs, 16·b bytes each; a code is stored as code + 2^(b−1). A kernel unpacks a panel
 * once for many rows. The 128 codes of a block are 8 lines of 16, each 4 outputs by 4 inputs, so that one instruction
 * multiplies a line with 4 splatted inputs:
 *
 *     panel p, block i, line 2q + h, place 4n + k:   w[8p + 4h + n, 16i + 4q + k]          n, k, q = 0 to 3, h = 0 or 1
 *
 * Vectors of 16 bytes hold as many lines as fit, place by place, the first line in the lowest bits of the bytes: two lines of
 * 4 bits, four of 2, eight of 1. Codes of 3 bits are cut in two: the low 2 bits of all lines, then the high bit of all.
 */
export type PanelLayout = 'k2n8' | 'k16n8';

const PANEL_OUTPUTS = 8;
const BLOCK_INPUTS = 16;
/** Codes of a line, bytes of a vector. */
const LINE = 16;

/** What every op with a panelled weight says of it. */
export interface PanelAttrs {
  /** Sizes of the weight `[outputs, inputs]`. */
  readonly outputs: number;
  readonly inputs: number;
  /** Bits in which a code is stored, 1 to 4 or 8, and the order of the codes. */
  readonly weightBits: number;
  readonly layout: string;
}

/** More inputs than any sum of int8 products has room for. */
const MOST_INPUTS = 2 ** 24;

/** Bits in which codes of 1 to 8 bits are stored: those of more than 4 take a byte. */
export function storedBits(bits: number): number {
  return bits <= 4 ? bits : 8;
}

/** The order of codes that are stored in so many bits. */
export function layoutOf(weightBits: number): PanelLayout {
  return weightBits === 8 ? 'k2n8' : 'k16n8';
}

/** Bytes of a matrix whose codes are stored in so many bits. */
export function panelBytes(outputs: number, inputs: number, weightBits: number): number {
  const panels = Math.ceil(outputs / PANEL_OUTPUTS);
  if (weightBits === 8) return panels * Math.ceil(inputs / 2) * LINE;
  return panels * Math.ceil(inputs / BLOCK_INPUTS) * LINE * weightBits;
}

/** Row-major codes `[outputs, inputs]` of at most so many bits → bytes of panels. */
export function toPanels(codes: Int8Array, outputs: number, inputs: number, weightBits: number): Uint8Array {
  const panels = new Uint8Array(panelBytes(outputs, inputs, weightBits));
  const least = leastCode(weightBits);
  eachField(outputs, inputs, weightBits, (i, byte, bit, { width, shift }) => {
    const field = ((codes[i]! - least) >> shift) & (2 ** width - 1);
    panels[byte] = panels[byte]! | (field << bit);
  });
  return panels;
}

/** The reverse of `toPanels`. */
export function fromPanels(panels: Uint8Array, outputs: number, inputs: number, weightBits: number): Int8Array {
  const codes = new Int8Array(outputs * inputs).fill(leastCode(weightBits));
  eachField(outputs, inputs, weightBits, (i, byte, bit, { width, shift }) => {
    const field = (panels[byte]! >> bit) & (2 ** width - 1);
    codes[i] = codes[i]! + (field << shift);
  });
  return codes;
}

/** The code that is stored as 0. */
function leastCode(weightBits: number): number {
  return weightBits === 8 ? 0 : -(2 ** (weightBits - 1));
}

/** `width` bits of every code, from bit `shift` on: in a block from vector `vector` on. */
interface Field {
  readonly width: number;
  readonly shift: number;
  readonly vector: number;
}

function fieldsOf(weightBits: number): readonly Field[] {
  const low = { width: weightBits === 3 ? 2 : weightBits, shift: 0, vector: 0 };
  return weightBits === 3 ? [low, { width: 1, shift: 2, vector: 2 }] : [low];
}

/** Visits every field of every code: the code's row-major index, the byte and the lowest bit where the field lies. */
function eachField(
  outputs: number,
  inputs: number,
  weightBits: number,
  visit: (index: number, byte: number, bit: number, field: Field) => void,
): void {
  const panel = panelBytes(PANEL_OUTPUTS, inputs, weightBits);
  for (const field of fieldsOf(weightBits)) {
    for (let n = 0, index = 0; n < outputs; n++) {
      const start = (n >> 3) * panel;
      for (let k = 0; k < inputs; k++, index++) {
        if (weightBits === 8) {
          visit(index, start + (k >> 1) * LINE + 2 * (n & 7) + (k & 1), 0, field);
        } else {
          const line = 2 * ((k >> 2) & 3) + ((n >> 2) & 1);
          const bits = line * field.width;
          const vector = (k >> 4) * weightBits + field.vector + (bits >> 3);
          visit(index, start + vector * LINE + 4 * (n & 3) + (k & 3), bits & 7, field);
        }
      }
    }
  }
}

/** Throws one CqError unless `w` is a weight as the attributes say. */
export function checkPanels(op: string, w: Shaped, { outputs, inputs, weightBits, layout }: PanelAttrs): void {
  ensure(Number.isInteger(outputs) && outputs > 0, op, 'outputs must be a positive integer', outputs);
  const fits = Number.isInteger(inputs) && inputs > 0 && inputs <= MOST_INPUTS;
  ensure(fits, op, `inputs must be 1 to ${MOST_INPUTS}`, inputs);
  ensure([1, 2, 3, 4, 8].includes(weightBits), op, 'weightBits must be 1 to 4, or 8', weightBits);
  const expected = layoutOf(weightBits);
  ensure(layout === expected, op, `layout of ${weightBits}-bit weights must be "${expected}"`, layout);
  ensure(w.dtype === 'bool', op, 'w must be packed bytes (bool)', w.dtype);
  const bytes = panelBytes(outputs, inputs, weightBits);
  ensure(sizeOf(w.shape) === bytes, op, `w must have ${bytes} bytes`, w.shape);
}

/** The same bytes, read as two's complement. */
export function asInt8(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
