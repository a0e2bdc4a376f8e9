import {
  CqAdd,
  CqAttention,
  CqDequantize,
  CqDynamicLinear,
  CqEmbedding,
  CqFloatLinear,
  CqLayerNorm,
  CqLinear,
  CqPatchEmbed,
  CqQuantize,
  CqShiftAttention,
  CqShiftLayerNorm,
  CqShiftLinear,
  CqShiftPatchEmbed,
  CqWeight,
  codeRange,
  layoutOf,
  packRows,
  type Attrs,
  type LoweredOp,
  type Operand,
} from '@cq/core/runtime';
import { codes, floats, integers, panels, stream, type Spread } from '../../../backend-wasm/src/testing/arbitrary.ts';

export interface Case {
  readonly name: string;
  readonly op: LoweredOp;
  readonly operands: Readonly<Record<string, Operand>>;
  readonly attrs: Attrs;
}

const spreads: readonly Spread[] = ['even', 'ends', 'low', 'high'];

/** Quotients of all sizes, ties, and what is no number. */
export function quantizeCases(): Case[] {
  const next = stream(1);
  const odd = [NaN, Infinity, -Infinity, -0, 1e-45, 3e38, 0.5, 1.5, 2.5, -0.5];
  return [4, 8, 12, 16].flatMap((bits) =>
    [1, 0.037, 2 ** -130, 1e30].map((scale) => ({
      name: `CqQuantize ${bits} bits by ${scale}`,
      op: CqQuantize,
      operands: {
        x: floats([5, 21], (i) => odd[i] ?? (i < 60 ? i - 40.5 : (next() - 0.5) * 2 ** bits) * (i % 2 ? 1 : scale)),
      },
      attrs: { scale, zeroPoint: bits === 8 ? -13 : 3, bits },
    })),
  );
}

export function dequantizeCases(): Case[] {
  const next = stream(2);
  return (['bool', 'int32'] as const).flatMap((dtype) =>
    [1, 7].map((count) => ({
      name: `CqDequantize ${dtype} by ${count}`,
      op: CqDequantize,
      operands: {
        codes: codes(next, [3, 5, 7], 'even', dtype === 'bool' ? 8 : 31, dtype),
        scale: floats([count], () => next() / 9),
      },
      attrs: { zeroPoint: 5, bits: 8 },
    })),
  );
}

type End = 'raw' | 'codes' | 'table' | 'int8 residual' | 'int16 residual';

/** Rows that are whole texels take other programs than rows that are not, and four of them others than one. */
export function linearCases(): Case[] {
  const cases = [1, 2, 3, 4, 8].flatMap((weightBits) => [
    linearCase(5, 48, 32, weightBits, 'codes', 8, 'even', 'even'),
    linearCase(6, 8192, 16, weightBits, 'codes', 8, 'low', 'high'),
    linearCase(4, 8192, 16, weightBits, 'codes', 8, 'low', 'low'),
  ]);
  for (const weightBits of [3, 8]) {
    cases.push(linearCase(3, 17, 9, weightBits, 'codes', 8, 'ends', 'even'));
    cases.push(linearCase(1, 1, 1, weightBits, 'codes', 8, 'even', 'even'));
  }
  cases.push(
    linearCase(9, 64, 24, 8, 'int16 residual', 16, 'even', 'ends'),
    linearCase(2, 5, 33, 8, 'int16 residual', 16, 'even', 'ends'),
    linearCase(2, 5, 33, 8, 'int8 residual', 8, 'even', 'even'),
    linearCase(4, 64, 48, 8, 'table', 8, 'even', 'even'),
    linearCase(9, 64, 48, 8, 'table', 8, 'even', 'even', 3),
    linearCase(2, 20, 40, 8, 'table', 8, 'even', 'even', 5),
    linearCase(5, 96, 12, 8, 'raw', 32, 'even', 'even'),
    linearCase(2, 8192, 4, 8, 'raw', 32, 'low', 'low'),
    linearCase(3, 32, 16, 4, 'codes', 8, 'even', 'even'),
  );
  for (const end of ['codes', 'int16 residual', 'table'] as const) {
    const one = linearCase(4, 16, 16, 8, end, 8, 'even', 'even');
    const multiplier = floats([16], (i) => [NaN, Infinity, -Infinity, 3e38, -0, 1e-45][i % 6]!);
    cases.push({ ...one, name: `${one.name}, infinite multipliers`, operands: { ...one.operands, multiplier } });
    const many = linearCase(64, 16, 16, 8, end, 8, 'even', 'even');
    const halves = floats([16], (i) => 2 ** -(6 + (i % 4)));
    const attrs = { ...many.attrs, ...(end !== 'table' && { bits: 16 }), residualMultiplier: 0.5 };
    cases.push({ ...many, name: `${many.name}, ties`, attrs, operands: { ...many.operands, multiplier: halves } });
  }
  return cases;
}

function linearCase(
  rows: number,
  inputs: number,
  outputs: number,
  weightBits: number,
  end: End,
  bits: number,
  spread: Spread,
  weightSpread: Spread,
  tables = 1,
): Case {
  const next = stream(rows * inputs + weightBits);
  const tableBits = end === 'table' ? 8 + (inputs % 5) : 0;
  const fit = 2 ** Math.min(tableBits || bits, 16) / (Math.sqrt(inputs) * 2 ** 14);
  const operands: Record<string, Operand> = {
    x: codes(next, [rows, inputs], spread),
    w: panels(next, outputs, inputs, weightSpread, weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 18),
    multiplier: floats([outputs], () => fit * (0.5 + next())),
  };
  if (end === 'table') operands['table'] = codes(next, [tables * 2 ** tableBits], 'even');
  if (end === 'int8 residual') operands['residual'] = codes(next, [rows, outputs], 'even');
  if (end === 'int16 residual') operands['residual'] = codes(next, [rows, outputs], 'even', 16, 'int32');
  const attrs = {
    ...{ outputs, inputs, weightBits, layout: layoutOf(weightBits), bits, zeroPoint: bits === 32 ? 0 : 3 },
    ...{ tableBits, tableZeroPoint: 17, residual: end.endsWith('residual') },
    ...{ residualMultiplier: 0.3 + next(), residualZeroPoint: -5 },
    ...{ inputScale: 1, inputZeroPoint: 0, tableScale: 1, outputScale: 1, residualScale: 1, activation: 'none' },
  };
  const name = `CqLinear ${rows} × ${inputs} × ${outputs}, ${weightBits} bits, ${end} ${bits}, ${spread} ${weightSpread}, ${tables} tables`;
  return { name, op: CqLinear, operands, attrs };
}

export function layerNormCases(): Case[] {
  const cases: Case[] = [];
  const next = stream(4);
  for (const channels of [1, 5, 192, 2048]) {
    for (const dtype of ['bool', 'int32'] as const) {
      for (const how of ['even', 'ends', 'low'] as const) {
        for (const [epsilon, bits] of [
          [1e-12, 8],
          [0, 16],
        ] as const) {
          cases.push({
            name: `CqLayerNorm ${channels} channels, ${dtype}, ${how}, ${epsilon}`,
            op: CqLayerNorm,
            operands: {
              x: codes(next, [channels > 1000 ? 2 : 9, channels], how, dtype === 'bool' ? 8 : 16, dtype),
              gamma: floats([channels], () => (next() - 0.3) * 40),
              beta: floats([channels], () => Math.round((next() - 0.5) * 80) / 2), // ties where a row has one value
            },
            attrs: { epsilon, inputScale: 0.01, bits, zeroPoint: -3, outputScale: 1 },
          });
        }
      }
    }
  }
  return cases;
}

export function attentionCases(): Case[] {
  const cases: Case[] = [];
  for (const [batch, tokens, heads, depth] of [
    [2, 5, 2, 3],
    [2, 17, 3, 16],
    [4, 50, 1, 32],
  ] as const) {
    for (const kind of ['uniform', 'log2'] as const) {
      for (const options of [{}, { biased: true, masked: true, windows: 2 }]) {
        cases.push(attentionCase(batch, tokens, heads, depth, kind, options, cases.length));
      }
    }
  }
  return cases;
}

function attentionCase(
  batch: number,
  tokens: number,
  heads: number,
  depth: number,
  probabilityKind: string,
  { biased = false, masked = false, windows = 0 }: { biased?: boolean; masked?: boolean; windows?: number },
  seed: number,
): Case {
  const next = stream(seed);
  const probabilityBits = probabilityKind === 'uniform' ? 8 : 4;
  const top = 2 ** probabilityBits - 1;
  const shape = [batch, tokens, heads * depth];
  const how = spreads[seed % 2]!;
  const operands: Record<string, Operand> = {
    ...{ q: codes(next, shape, how), k: codes(next, shape, how), v: codes(next, shape, 'even') },
    exponentials: integers([256], (i) => 2 ** 20 * Math.exp(-i / 20)),
    levels: integers([top + 1], (i) => (probabilityKind === 'uniform' ? i : 32767 * 2 ** -i)),
  };
  if (biased) operands['bias'] = integers([heads, tokens, tokens], () => (next() - 0.5) * 9000);
  if (windows) {
    operands['visible'] = {
      dtype: 'bool',
      shape: [windows, tokens, tokens],
      data: Uint8Array.from({ length: windows * tokens * tokens }, () => Number(next() < 0.7)),
    };
  }
  if (probabilityKind !== 'uniform') operands['boundaries'] = floats([top], (i) => 255 * 2 ** (-1.5 * (top - i)));
  if (masked) operands['mask'] = integers([batch, tokens], (i) => Number(i % tokens < tokens - (i % 3)));
  const attrs = {
    ...{
      heads,
      depth,
      biased,
      windows,
      masked,
      tokens: 64,
      logitMultiplier: seed % 2 ? 2 ** -9 : 0.002 / Math.sqrt(depth),
      logitBits: 8,
    },
    ...{
      logitZeroPoint: seed % 3,
      probabilityKind,
      probabilityBits,
      probabilityScale: 1 / 255,
      outputMultiplier: seed % 2 ? 2 ** -8 : 0.003,
    },
    ...{
      bits: seed % 4 ? 8 : 16,
      zeroPoint: 2,
      queryScale: 1,
      keyScale: 1,
      valueScale: 1,
      logitScale: 1,
      outputScale: 1,
      factor: 1,
    },
  };
  const name = `CqAttention ${batch} × ${tokens} × ${heads} × ${depth}, ${probabilityKind}, ${JSON.stringify({ biased, masked, windows })}`;
  return { name, op: CqAttention, operands, attrs };
}

export function patchEmbedCases(): Case[] {
  const cases: Case[] = [];
  for (const [batch, channels, patch, rows, columns, outputs] of [
    [2, 1, 4, 2, 3, 16],
    [1, 3, 3, 2, 2, 5],
    [1, 3, 16, 2, 2, 48],
    [3, 1, 1, 1, 1, 1],
  ] as const) {
    for (const weightBits of [3, 8]) {
      const bits = weightBits === 3 ? 16 : 8;
      const next = stream(cases.length);
      const inputs = channels * patch * patch;
      cases.push({
        name: `CqPatchEmbed ${patch} pixels, ${outputs} outputs, ${weightBits} bits, ${bits}`,
        op: CqPatchEmbed,
        operands: {
          x: codes(next, [batch, channels, rows * patch, columns * patch], 'even'),
          w: panels(next, outputs, inputs, 'even', weightBits),
          bias: integers([outputs], () => (next() - 0.5) * 2 ** 14),
          multiplier: floats([outputs], () => next() / 90),
          tokens: floats([rows * columns + 3, outputs], () => (next() - 0.5) * 90),
        },
        attrs: {
          ...{ outputs, inputs, weightBits, layout: layoutOf(weightBits), bits, zeroPoint: 1, patch, columns, rows },
          ...{ prefix: 2, inputScale: 1, inputZeroPoint: 0, outputScale: 1 },
        },
      });
    }
  }
  return cases;
}

export function embeddingCases(): Case[] {
  return [1, 3, 4, 7, 8].map((bits) => {
    const next = stream(bits);
    const [rows, channels, group] = [13, 21, 8];
    const [low, high] = codeRange(bits);
    const table = packRows(
      Array.from({ length: rows * channels }, () => low + Math.floor(next() * (high - low + 1))),
      channels,
      bits,
    );
    return {
      name: `CqEmbedding ${bits} bits`,
      op: CqEmbedding,
      operands: {
        ids: integers([2, 9], (i) => i - 2),
        table: { dtype: 'bool', shape: [rows, table.length / rows], data: table },
        scale: floats([rows, Math.ceil(channels / group)], () => next() / 9),
      },
      attrs: { bits, channels, group },
    };
  });
}

export function addCases(): Case[] {
  const next = stream(6);
  return (
    [
      ['bool', 8],
      ['int32', 16],
    ] as const
  ).map(([dtype, bits]) => ({
    name: `CqAdd ${bits} bits`,
    op: CqAdd,
    operands: {
      x: codes(next, [3, 7, 5], 'even', bits, dtype),
      addend: floats([7, 5], (i) => Math.round((next() - 0.5) * 2 ** bits) + (i % 4) / 4),
    },
    attrs: { inputZeroPoint: 3, multiplier: 0.5, bits, zeroPoint: -2, inputScale: 1, outputScale: 1 },
  }));
}

export function weightCases(): Case[] {
  const next = stream(7);
  return [
    [1, 'uniform', -1, 0],
    [4, 'uniform', 0, 8],
    [8, 'uniform', 1, 0],
    [3, 'log2', 0, 0],
  ].map(([bits, kind, axis, group]) => {
    const shape = [6, 21];
    const [low, high] = codeRange(bits as number);
    const raw = Array.from({ length: 126 }, () => low + Math.floor(next() * (high - low + 1)));
    const packed = packRows(raw, 21, bits as number);
    const channels = axis === -1 ? 1 : shape[axis as number]!;
    const scales = channels * (group ? Math.ceil(21 / (group as number)) : 1);
    const levels: Record<string, Operand> =
      kind === 'uniform' ? {} : { levels: floats([2 ** (bits as number)], () => next()) };
    return {
      name: `CqWeight ${bits} bits, ${kind}, axis ${axis}`,
      op: CqWeight,
      operands: {
        codes: { dtype: 'bool' as const, shape: [6, packed.length / 6], data: packed },
        scale: floats([scales], () => next()),
        ...levels,
      },
      attrs: {
        kind: kind!,
        bits: bits!,
        zeroPoint: kind === 'uniform' ? 1 : 0,
        columns: 21,
        axis: axis!,
        group: group!,
      },
    };
  });
}

export function dynamicLinearCases(): Case[] {
  return [
    [5, 48, 16, 8, 8],
    [3, 17, 9, 4, 8],
    [4, 32, 20, 3, 5],
  ].map(([rows, inputs, outputs, weightBits, bits]) => {
    const next = stream(inputs!);
    const odd = [NaN, Infinity, 1e-40, -0];
    return {
      name: `CqDynamicLinear ${rows} × ${inputs} × ${outputs}`,
      op: CqDynamicLinear,
      operands: {
        x: floats([rows!, inputs!], (i) => (i % 11 === 0 && i < 40 ? odd[i % 4]! : (next() - 0.5) * 10 ** (i % 3))),
        w: panels(next, outputs!, inputs!, 'even', weightBits!),
        scale: floats([outputs!], () => next() / 50),
        bias: floats([outputs!], () => next() - 0.5),
      },
      attrs: {
        outputs: outputs!,
        inputs: inputs!,
        weightBits: weightBits!,
        layout: layoutOf(weightBits!),
        bits: bits!,
      },
    };
  });
}

export function floatLinearCases(): Case[] {
  return [
    [5, 64, 16, 4],
    [3, 17, 9, 8],
  ].map(([rows, inputs, outputs, weightBits]) => {
    const next = stream(inputs!);
    return {
      name: `CqFloatLinear ${rows} × ${inputs} × ${outputs}`,
      op: CqFloatLinear,
      operands: {
        x: floats([rows!, inputs!], () => next() - 0.5),
        w: panels(next, outputs!, inputs!, 'even', weightBits!),
        scale: floats([outputs!, Math.ceil(inputs! / 6)], () => next() / 50),
        bias: floats([outputs!], () => next() - 0.5),
      },
      attrs: { outputs: outputs!, inputs: inputs!, weightBits: weightBits!, layout: layoutOf(weightBits!), group: 6 },
    };
  });
}

export function shiftLinearCases(): Case[] {
  const all = [
    [5, 48, 32, 8, 'codes', 8],
    [3, 17, 9, 4, 'codes', 8],
    [6, 32, 24, 8, 'int16 residual', 16],
    [3, 5, 7, 8, 'int8 residual', 8],
    [4, 16, 16, 4, 'table', 8],
    [2, 16, 4, 8, 'raw', 32],
  ] as const;
  return all.flatMap(([rows, inputs, outputs, weightBits, end, bits]) =>
    [0, 40].map((span) => {
      const next = stream(rows * inputs);
      const about = (center: number) =>
        integers([outputs], () => center + Math.floor(next() * 4) + (next() < 0.2 ? span : 0));
      const operands: Record<string, Operand> = {
        x: codes(next, [rows, inputs], 'even'),
        w: panels(next, outputs, inputs, 'even', weightBits),
        bias: integers([outputs], () => (next() - 0.5) * 2 ** 14),
        unit: about(-12),
      };
      if (bits !== 32) operands['exponent'] = about(-4);
      if (end === 'table') operands['table'] = codes(next, [1024], 'even');
      if (end === 'int8 residual') operands['residual'] = codes(next, [rows, outputs], 'even');
      if (end === 'int16 residual') operands['residual'] = codes(next, [rows, outputs], 'even', 16, 'int32');
      if (operands['residual']) operands['residualExponent'] = about(-6);
      const attrs = {
        ...{ outputs, inputs, weightBits, layout: layoutOf(weightBits), bits, tableBits: end === 'table' ? 10 : 0 },
        ...{ residual: end.endsWith('residual'), inputExponent: 0, tableExponent: 0, activation: 'none' },
      };
      return {
        name: `CqShiftLinear ${rows} × ${inputs} × ${outputs}, ${end}, span ${span}`,
        op: CqShiftLinear,
        operands,
        attrs,
      };
    }),
  );
}

export function shiftPatchEmbedCases(): Case[] {
  return (
    [
      [2, 1, 4, 2, 3, 16],
      [1, 3, 3, 2, 2, 5],
    ] as const
  ).map(([batch, channels, patch, rows, columns, outputs]) => {
    const next = stream(outputs);
    const inputs = channels * patch * patch;
    return {
      name: `CqShiftPatchEmbed ${patch} pixels, ${outputs} outputs`,
      op: CqShiftPatchEmbed,
      operands: {
        x: codes(next, [batch, channels, rows * patch, columns * patch], 'even'),
        w: panels(next, outputs, inputs, 'even', 8),
        bias: integers([outputs], () => (next() - 0.5) * 2 ** 14),
        unit: integers([outputs], () => -12 + next() * 3),
        exponent: integers([outputs], () => -5 + next() * 3),
        tokens: integers([rows * columns + 3, outputs], () => (next() - 0.5) * (next() < 0.1 ? 2 ** 32 : 2 ** 14)),
      },
      attrs: {
        ...{ outputs, inputs, weightBits: 8, layout: layoutOf(8), bits: 8, patch, columns, rows, prefix: 2 },
        inputExponent: 0,
      },
    };
  });
}

export function shiftLayerNormCases(): Case[] {
  const cases: Case[] = [];
  const next = stream(8);
  for (const channels of [1, 5, 192, 2048]) {
    for (const how of ['even', 'ends', 'low'] as const) {
      for (const [epsilon, gainBits, bits, span] of [
        [0, 12, 8, 0],
        [7, 16, 16, 5],
        [2 ** 50, 30, 8, 20],
      ] as const) {
        const most = Math.min(20 * 2 ** gainBits, 2 ** 25);
        cases.push({
          name: `CqShiftLayerNorm ${channels} channels, ${how}, ${gainBits} gain bits`,
          op: CqShiftLayerNorm,
          operands: {
            x: codes(next, [channels > 1000 ? 2 : 9, channels], how, 8),
            exponents: integers([channels], () => Math.floor(next() * (span + 1)) - 7),
            gamma: integers([channels], () => (next() - 0.3) * most),
            beta: integers([channels], () => (next() - 0.5) * Math.min(2 ** (gainBits + bits), 2 ** 32)),
          },
          attrs: { epsilon, gainBits, bits, exponent: -4 },
        });
      }
    }
  }
  return cases;
}

export function shiftAttentionCases(): Case[] {
  return [0, 1, 2, 3, 4, 5].map((seed) => {
    const next = stream(seed);
    const [batch, tokens, heads, depth] = [2, [5, 17][seed % 2]!, 2, [3, 16][(seed >> 1) % 2]!];
    const shape = [batch, tokens, heads * depth];
    const uniform = seed % 2 === 0;
    const boundaries = integers([15], () => 1 + next() ** 4 * 2 ** 30);
    (boundaries.data as Int32Array).sort();
    const masked = seed > 2;
    return {
      name: `CqShiftAttention ${seed}`,
      op: CqShiftAttention,
      operands: {
        ...{ q: codes(next, shape, 'even'), k: codes(next, shape, 'even'), v: codes(next, shape, 'even') },
        exponentials: integers([256], (i) => Math.floor(2 ** 24 * [0.97, 0.5, 0][seed % 3]! ** i)),
        levels: integers([16], (i) => (uniform ? i : (next() - 0.5) * 2 ** 16)),
        ...(!uniform && { boundaries }),
        ...(masked && { mask: integers([batch, tokens], () => Number(next() < 0.6)) }),
      },
      attrs: {
        ...{ heads, depth, biased: false, windows: 0, masked, tokens, logitBits: 8, logitExponent: -3 },
        ...{ queryExponent: -4, keyExponent: -5, valueExponent: -5, factorExponent: -3 },
        ...{ probabilityKind: uniform ? 'uniform' : 'log2', probabilityBits: 4, probabilityExponent: uniform ? -4 : 0 },
        ...{ levelExponent: uniform ? -4 : -14, bits: 8, exponent: -5 },
      },
    };
  });
}
