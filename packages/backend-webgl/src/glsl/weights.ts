import { signedBytes } from './signed-bytes.ts';

/**
 * Weights in the panels of `@cq/core/runtime`, read in place: a texel is one of their vectors. `columns` is the number of inputs.
 */

/** `int weightAt(int n, int k)`: one code. */
export function weightCodes(bits: number): string {
  if (bits === 8) {
    return `
int weightAt(int n, int k) {
  return wAt((n >> 3) * (((columns + 1) >> 1) << 4) + ((k >> 1) << 4) + ((n & 7) << 1) + (k & 1));
}
`;
  }
  return `
int weightAt(int n, int k) {
  int block = ((n >> 3) * ((columns + 15) >> 4) + (k >> 4)) * ${bits};
  int line = (((k >> 2) & 3) << 1) + ((n >> 2) & 1);
  int place = ((n & 3) << 2) + (k & 3);
  ${
    bits === 3
      ? `int low = (wAt(((block + (line >> 2)) << 4) + place) >> ((line & 3) << 1)) & 3;
  return low + (((wAt(((block + 2) << 4) + place) >> line) & 1) << 2) - 4;`
      : `int bit = line * ${bits};
  return ((wAt(((block + (bit >> 3)) << 4) + place) >> (bit & 7)) & ${2 ** bits - 1}) - ${2 ** (bits - 1)};`
  }
}
`;
}

/**
 * `void panelSums(int panel, int start, out int sums[rows · panels · 8])`: the sums of consecutive panels, of 8 outputs each, for
 * consecutive rows of x, which begin with texel `start` and are whole texels: sums[(8 · panels) · row + output]. A weight is
 * fetched and taken apart once for all rows.
 */
export function panelSums(bits: number, rows: number, panels: number): string {
  return `${signedBytes}${bits === 8 ? bytes(rows, panels) : packed(bits, rows, panels)}`;
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

const pairs = (rows: number, panels: number): readonly (readonly [row: number, panel: number])[] =>
  range(rows).flatMap((r) => range(panels).map((p) => [r, p] as const));

/** So many blocks of 16 inputs have 1024 products of codes, whose sum is 2^24 at most. */
const MOST_BLOCKS = 64;

/**
 * Codes of 8 bits as whole floats, which up to 1024 products of two codes leave exact. Each byte of a word keeps the power of two
 * that its place gives it. Input 4 · i + j of a block is component i of x{row}{j}; outputs with even numbers are in a, times
 * 2^24, others in b, times 2^40.
 */
function bytes(rows: number, panels: number): string {
  const every = pairs(rows, panels);
  const lines = range(8).flatMap((pair) =>
    range(panels).map((p) => {
      const [word, first] = ['xyzw'[pair >> 1], 2 * (pair & 1)];
      const sums = range(rows).map((r) => {
        const [x, y] = [`x${r}${first}.${word}`, `x${r}${first + 1}.${word}`];
        return `a${r}${p} += w0 * ${x} + w1 * ${y};\n        b${r}${p} += w2 * ${x} + w3 * ${y};`;
      });
      return `{
        ivec4 w = ivec4(wTexel(at${p} + ${pair}) ^ 0x808080u);
        vec4 w0 = vec4(w & 0xff) - 128.0;
        vec4 w1 = vec4(w & 0xff00) - 32768.0;
        vec4 w2 = vec4(w & 0xff0000) - 8388608.0;
        vec4 w3 = byte3(w);
        ${sums.join('\n        ')}
      }`;
    }),
  );
  return `
void panelSums(int panel, int start, out int sums[${rows * panels * 8}]) {
  int blocks = columns >> 4;
  ${range(panels)
    .map((p) => `int at${p} = (panel + ${p}) * blocks * 8;`)
    .join('\n  ')}
  for (int i = 0; i < ${rows * panels * 8}; i++) sums[i] = 0;
  int block = 0;
  do {
    ${every.map(([r, p]) => `vec4 a${r}${p} = vec4(0);\n    vec4 b${r}${p} = vec4(0);`).join('\n    ')}
    int end = min(blocks, block + ${MOST_BLOCKS});
    do {
      ${range(rows)
        .map(
          (r) => `ivec4 x${r} = ivec4(xTexel(start + ${r} * blocks + block));
      vec4 x${r}0 = byte0(x${r});
      vec4 x${r}1 = byte1(x${r}) * ${2 ** -8};
      vec4 x${r}2 = byte2(x${r});
      vec4 x${r}3 = byte3(x${r}) * ${2 ** -8};`,
        )
        .join('\n      ')}
      ${lines.join('\n      ')}
      ${range(panels)
        .map((p) => `at${p} += 8;`)
        .join(' ')}
      block++;
    } while (block < end);
    ${every
      .flatMap(([r, p]) =>
        range(8).map((n) => {
          const [name, unit] = n % 2 === 0 ? ['a', '0x33800000u'] : ['b', '0x2b800000u'];
          return `sums[${8 * (panels * r + p) + n}] += int(${name}${r}${p}[${n >> 1}] * uintBitsToFloat(${unit}));`;
        }),
      )
      .join('\n    ')}
  } while (block < blocks);
}
`;
}

/** Bits of a code that lie in one vector: the low ones from vector 0 on; the high bit of 3 in vector 2. */
function fieldOf(bits: number, line: number): string {
  const field = (width: number, from: number): string => {
    const vector = from + ((line * width) >> 3);
    return `((v${vector} >> ${(line * width) & 7}) & 0x${(2 ** width - 1).toString(16).padStart(2, '0').repeat(4)}u)`;
  };
  return bits === 3 ? `(${field(2, 0)} | (${field(1, 2)} << 2))` : field(bits, 0);
}

/**
 * Codes of at most 4 bits, stored from 0 up: two products in one. With fields f of 4 bits and inputs x,
 *
 *     (f0 + f2 · 2^16) · (x2 + x0 · 2^16) = f0 · x2 + (f0 · x0 + f2 · x2) · 2^16      modulo 2^32
 *
 * and over the 16 inputs of a block the upper part stays within 15 bits and the lower within 15, so that adding half of 2^16
 * and shifting gives the exact sum of the upper parts. The first 4 outputs are in a, the others in b.
 */
function packed(bits: number, rows: number, panels: number): string {
  const every = pairs(rows, panels);
  const inputs = range(rows).map(
    (r) => `ivec4 x${r} = ivec4(xTexel(start + ${r} * blocks + block));
    ivec4 x${r}0 = code(byte0(x${r}));
    ivec4 x${r}1 = code(byte1(x${r}));
    ivec4 x${r}2 = code(byte2(x${r}));
    ivec4 x${r}3 = code(byte3(x${r}));
    total${r} += x${r}0 + x${r}1 + x${r}2 + x${r}3;
    ivec4 even${r} = x${r}2 + x${r}0 * 65536;
    ivec4 odd${r} = x${r}3 + x${r}1 * 65536;`,
  );
  const blocks = range(panels).map((p) => {
    const lines = range(8).map((line) => {
      const q = 'xyzw'[line >> 1];
      const sums = range(rows).map((r) => `${line % 2 === 0 ? 'c' : 'd'}${r} += e * even${r}.${q} + o * odd${r}.${q};`);
      return `f = ${fieldOf(bits, line)};
      e = ivec4(f & 0xff00ffu);
      o = ivec4((f >> 8) & 0xff00ffu);
      ${sums.join('\n      ')}`;
    });
    return `{
      ${range(bits)
        .map((v) => `uvec4 v${v} = wTexel(at${p} + ${v});`)
        .join('\n      ')}
      ${range(rows)
        .map((r) => `ivec4 c${r} = ivec4(0);\n      ivec4 d${r} = ivec4(0);`)
        .join('\n      ')}
      uvec4 f;
      ivec4 e;
      ivec4 o;
      ${lines.join('\n      ')}
      ${range(rows)
        .map((r) => `a${r}${p} += (c${r} + 0x8000) >> 16;\n      b${r}${p} += (d${r} + 0x8000) >> 16;`)
        .join('\n      ')}
    }`;
  });
  return `
void panelSums(int panel, int start, out int sums[${rows * panels * 8}]) {
  int blocks = columns >> 4;
  ${range(panels)
    .map((p) => `int at${p} = (panel + ${p}) * blocks * ${bits};`)
    .join('\n  ')}
  ${range(rows)
    .map((r) => `ivec4 total${r} = ivec4(0);`)
    .join('\n  ')}
  ${every.map(([r, p]) => `ivec4 a${r}${p} = ivec4(0);\n  ivec4 b${r}${p} = ivec4(0);`).join('\n  ')}
  int block = 0;
  do {
    ${[...inputs, ...blocks].join('\n    ')}
    ${range(panels)
      .map((p) => `at${p} += ${bits};`)
      .join(' ')}
    block++;
  } while (block < blocks);
  ${range(rows)
    .map((r) => `int least${r} = (total${r}.x + total${r}.y + total${r}.z + total${r}.w) * ${2 ** (bits - 1)};`)
    .join('\n  ')}
  ${every
    .flatMap(([r, p]) =>
      range(8).map((n) => `sums[${8 * (panels * r + p) + n}] = ${n < 4 ? 'a' : 'b'}${r}${p}[${n & 3}] - least${r};`),
    )
    .join('\n  ')}
}
`;
}
