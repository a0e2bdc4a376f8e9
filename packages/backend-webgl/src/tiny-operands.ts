import {
  codeRange,
  packRows,
  rowBytes,
  scaleCount,
  sizeOf,
  toPanels,
  type Attrs,
  type CodeType,
  type Operand,
} from '@cq/core/runtime';

/** What a node is checked with: its attributes with small sizes, and operands that never change. */
export interface Tiny {
  readonly attrs: Attrs;
  readonly operands: Readonly<Record<string, Operand>>;
}

/** Rows of whole texels, which most models have. */
const [ROWS, INPUTS, OUTPUTS] = [3, 32, 16];

/** A tiny input for a node of this op with these attributes; undefined for an op that is none of ours. */
export function tinyOperands(op: string, attrs: Attrs): Tiny | undefined {
  return tiny[op]?.(attrs);
}

/** Numbers that go everywhere in [0, 1) and are the same in every engine. */
const share = (i: number, salt: number): number => ((i * 7919 + salt * 104_729 + 31) % 65_521) / 65_521;

function codes(
  shape: readonly number[],
  bits: number,
  salt: number,
  dtype: CodeType = bits > 8 ? 'int32' : 'bool',
): Operand {
  const [low, high] = codeRange(bits);
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => low + Math.floor(share(i, salt) * (high - low + 1)));
  return { dtype, shape, data: dtype === 'bool' ? Uint8Array.from(values) : Int32Array.from(values) };
}

function floats(shape: readonly number[], low: number, high: number, salt: number): Operand {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => low + share(i, salt) * (high - low));
  return { dtype: 'float32', shape, data };
}

function integers(shape: readonly number[], low: number, high: number, salt: number): Operand {
  const data = Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(low + share(i, salt) * (high - low)));
  return { dtype: 'int32', shape, data };
}

function panels(outputs: number, inputs: number, weightBits: number): Operand {
  const data = toPanels(new Int8Array(codes([outputs, inputs], weightBits, 3).data), outputs, inputs, weightBits);
  return { dtype: 'bool', shape: [data.length], data };
}

function rows(count: number, columns: number, bits: number): Operand {
  const data = packRows(new Int8Array(codes([count, columns], bits, 4).data), columns, bits);
  return { dtype: 'bool', shape: [count, rowBytes(columns, bits)], data };
}

/** Weight, bias and scale of a product; the scale spreads its sums over the codes. */
function product(attrs: Attrs, inputs: number, bits: number): Record<string, Operand> {
  const spread = 2 ** Math.min(bits, 16) / (Math.sqrt(inputs) * 2 ** (6 + (attrs['weightBits'] as number)));
  return {
    w: panels(OUTPUTS, inputs, attrs['weightBits'] as number),
    bias: integers([OUTPUTS], -3000, 3000, 5),
    multiplier: floats([OUTPUTS], spread / 2, spread * 2, 6),
  };
}

const number = (attrs: Attrs, name: string): number => attrs[name] as number;

function linear(attrs: Attrs): Tiny {
  const [bits, tableBits] = [number(attrs, 'bits'), number(attrs, 'tableBits')];
  return {
    attrs: { ...attrs, outputs: OUTPUTS, inputs: INPUTS },
    operands: {
      x: codes([ROWS, INPUTS], 8, 1),
      ...product(attrs, INPUTS, tableBits || bits),
      ...(tableBits > 0 && { table: codes([2 ** tableBits], 8, 7) }),
      ...(attrs['residual'] === true && { residual: codes([ROWS, OUTPUTS], 16, 8) }),
    },
  };
}

function shiftLinear(attrs: Attrs): Tiny {
  const { multiplier: _, ...operands } = linear(attrs).operands as Record<string, Operand>;
  return {
    attrs: { ...attrs, outputs: OUTPUTS, inputs: INPUTS },
    operands: {
      ...operands,
      unit: integers([OUTPUTS], -14, -11, 9),
      ...(attrs['bits'] !== 32 && { exponent: integers([OUTPUTS], -5, -2, 10) }),
      ...(attrs['residual'] === true && { residualExponent: integers([OUTPUTS], -6, -3, 11) }),
    },
  };
}

/** Two by two patches of 4 × 4 pixels, one row of tokens before them. */
function patchEmbed(attrs: Attrs): Tiny {
  return {
    attrs: { ...attrs, outputs: OUTPUTS, inputs: 16, patch: 4, columns: 2, rows: 2, prefix: 1 },
    operands: {
      x: codes([1, 1, 8, 8], 8, 1),
      ...product(attrs, 16, number(attrs, 'bits')),
      tokens: floats([5, OUTPUTS], -60, 60, 12),
    },
  };
}

function shiftPatchEmbed(attrs: Attrs): Tiny {
  const tiny = patchEmbed(attrs);
  const { x, w, bias } = tiny.operands as Record<'x' | 'w' | 'bias', Operand>;
  const exponents = { unit: integers([OUTPUTS], -14, -11, 9), exponent: integers([OUTPUTS], -5, -2, 10) };
  return { ...tiny, operands: { x, w, bias, ...exponents, tokens: integers([5, OUTPUTS], -4000, 4000, 12) } };
}

/** Two heads of 16 channels, 5 tokens. */
function attention(attrs: Attrs, boundaries: (count: number) => Operand, most: number): Tiny {
  const count = 2 ** number(attrs, 'probabilityBits');
  const uniform = attrs['probabilityKind'] === 'uniform';
  const windows = number(attrs, 'windows');
  const levels = Int32Array.from({ length: count }, (_, i) => (uniform ? i : 2 ** (i % 15)));
  const exponentials = Int32Array.from({ length: 256 }, (_, i) => Math.floor(most / (1 + i * i)));
  return {
    attrs: { ...attrs, heads: 2, depth: 16, windows: Math.min(windows, 1) },
    operands: {
      ...{ q: codes([1, 5, 32], 8, 1), k: codes([1, 5, 32], 8, 13), v: codes([1, 5, 32], 8, 14) },
      exponentials: { dtype: 'int32', shape: [256], data: exponentials },
      levels: { dtype: 'int32', shape: [count], data: levels },
      ...(attrs['biased'] === true && { bias: integers([2, 5, 5], -9000, 9000, 15) }),
      ...(windows > 0 && { visible: codes([1, 5, 5], 1, 16) }),
      ...(!uniform && { boundaries: boundaries(count - 1) }),
      ...(attrs['masked'] === true && { mask: integers([1, 5], 0, 2, 17) }),
    },
  };
}

function layerNorm(attrs: Attrs): Tiny {
  const operands = {
    x: codes([ROWS, INPUTS], 16, 1),
    gamma: floats([INPUTS], -30, 50, 18),
    beta: floats([INPUTS], -20, 20, 19),
  };
  return { attrs, operands };
}

function shiftLayerNorm(attrs: Attrs): Tiny {
  const unit = Math.min(2 ** number(attrs, 'gainBits'), 2 ** 19);
  return {
    attrs,
    operands: {
      ...{ x: codes([ROWS, INPUTS], 8, 1), exponents: integers([INPUTS], -7, -3, 20) },
      ...{ gamma: integers([INPUTS], -30 * unit, 50 * unit, 18), beta: integers([INPUTS], -20 * unit, 20 * unit, 19) },
    },
  };
}

function onFloats(attrs: Attrs, group: number): Tiny {
  return {
    attrs: { ...attrs, outputs: OUTPUTS, inputs: INPUTS },
    operands: {
      ...{ x: floats([ROWS, INPUTS], -3, 3, 1), w: panels(OUTPUTS, INPUTS, number(attrs, 'weightBits')) },
      ...{ scale: floats([OUTPUTS, Math.ceil(INPUTS / group)], 0.01, 0.02, 21), bias: floats([OUTPUTS], -1, 1, 22) },
    },
  };
}

const tiny: Readonly<Record<string, (attrs: Attrs) => Tiny>> = {
  CqQuantize: (attrs) => {
    const reach = number(attrs, 'scale') * 2 ** number(attrs, 'bits');
    return { attrs, operands: { x: floats([ROWS, INPUTS], -reach, reach, 1) } };
  },
  CqDequantize: (attrs) => ({
    attrs,
    operands: {
      codes: codes([ROWS, INPUTS], Math.min(number(attrs, 'bits'), 31), 1),
      scale: floats([INPUTS], 0.1, 1, 2),
    },
  }),
  CqLinear: linear,
  CqAttention: (attrs) =>
    attention(
      { ...attrs, logitMultiplier: 0.0004, outputMultiplier: 0.002, probabilityScale: 1 / 255 },
      (count) => ({ dtype: 'float32', shape: [count], data: Float32Array.from({ length: count }, (_, i) => (255 * (i + 1)) / (count + 1)) }), // prettier-ignore
      Math.floor((2 ** 31 - 1) / number(attrs, 'tokens')),
    ),
  CqLayerNorm: layerNorm,
  CqPatchEmbed: patchEmbed,
  CqEmbedding: (attrs) => ({
    attrs: { ...attrs, channels: INPUTS, group: 8 },
    operands: {
      ids: integers([ROWS], 0, 5, 1),
      table: rows(5, INPUTS, number(attrs, 'bits')),
      scale: floats([5, INPUTS / 8], 0.1, 1, 2),
    },
  }),
  CqAdd: (attrs) => ({
    attrs,
    operands: { x: codes([2, ROWS, INPUTS], 16, 1), addend: floats([ROWS, INPUTS], -3000, 3000, 2) },
  }),
  CqWeight: (attrs) => {
    const bits = number(attrs, 'bits');
    const own = { ...attrs, columns: INPUTS, axis: Math.min(number(attrs, 'axis'), 0), group: 0 };
    const sharing = own.axis < 0 ? {} : { axis: 0 };
    return {
      attrs: own,
      operands: {
        codes: rows(4, INPUTS, bits),
        scale: floats([scaleCount([4, INPUTS], sharing)], 0.1, 1, 2),
        ...(attrs['kind'] !== 'uniform' && { levels: floats([2 ** bits], -1, 1, 3) }),
      },
    };
  },
  CqDynamicLinear: (attrs) => {
    const { scale, ...operands } = onFloats(attrs, INPUTS).operands as Record<string, Operand>;
    return { attrs: { ...attrs, outputs: OUTPUTS, inputs: INPUTS }, operands: { ...operands, scale: scale! } };
  },
  CqFloatLinear: (attrs) => onFloats({ ...attrs, group: 8 }, 8),
  CqShiftLinear: shiftLinear,
  CqShiftAttention: (attrs) =>
    attention(
      attrs,
      (count) => ({ dtype: 'int32', shape: [count], data: Int32Array.from({ length: count }, (_, i) => Math.floor((2 ** 30 * (i + 1)) / (count + 1))) }), // prettier-ignore
      Math.min(2 ** 24, Math.floor((2 ** 31 - 1) / number(attrs, 'tokens'))),
    ),
  CqShiftLayerNorm: shiftLayerNorm,
  CqShiftPatchEmbed: shiftPatchEmbed,
};
