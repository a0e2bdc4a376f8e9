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
  const every = range(rows).flatMap((r) => range(panels).map((p) => [r, p] as const));
  const loop = bits === 8 ? bytes(rows, panels) : packed(bits, rows, panels);
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
  for (int block = 0; block < blocks; block++) {
    ${range(rows)
      .map((r) => inputsOf(r))
      .join('\n    ')}
    ${loop}
    ${range(panels)
      .map((p) => `at${p} += ${bits};`)
      .join(' ')}
  }
  ${range(rows)
    .map((r) => `int least${r} = (total${r}.x + total${r}.y + total${r}.z + total${r}.w) * ${2 ** (bits - 1)};`)
    .join('\n  ')}
  ${every
    .flatMap(([r, p]) =>
      range(8).map((n) => `sums[${8 * (panels * r + p) + n}] = ${place(bits, n, `${r}${p}`)} - least${r};`),
    )
    .join('\n  ')}
}
`;
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** Input 4 · i + j of a block is component i of x{row}{j}. */
const inputsOf = (row: number): string => `ivec4 x${row} = ivec4(xTexel(start + ${row} * blocks + block));
    ivec4 x${row}0 = (x${row} << 24) >> 24;
    ivec4 x${row}1 = (x${row} << 16) >> 24;
    ivec4 x${row}2 = (x${row} << 8) >> 24;
    ivec4 x${row}3 = x${row} >> 24;
    total${row} += x${row}0 + x${row}1 + x${row}2 + x${row}3;`;

/** Where the sum of output n of a panel is. */
function place(bits: number, n: number, suffix: string): string {
  if (bits === 8) return `${n % 2 === 0 ? 'a' : 'b'}${suffix}[${n >> 1}]`;
  return `${n < 4 ? 'a' : 'b'}${suffix}[${n & 3}]`;
}

/** Codes of 8 bits, taken from 0 up: a mask is cheaper than a sign. Outputs with even numbers are in a, others in b. */
function bytes(rows: number, panels: number): string {
  return range(8)
    .flatMap((pair) =>
      range(panels).map((p) => {
        const [word, first] = ['xyzw'[pair >> 1], 2 * (pair & 1)];
        const sums = range(rows).map((r) => {
          const [x, y] = [`x${r}${first}.${word}`, `x${r}${first + 1}.${word}`];
          return `a${r}${p} += w0 * ${x} + w1 * ${y};\n      b${r}${p} += w2 * ${x} + w3 * ${y};`;
        });
        return `{
      uvec4 w = wTexel(at${p} + ${pair}) ^ 0x80808080u;
      ivec4 w0 = ivec4(w & 0xffu);
      ivec4 w1 = ivec4((w >> 8) & 0xffu);
      ivec4 w2 = ivec4((w >> 16) & 0xffu);
      ivec4 w3 = ivec4(w >> 24);
      ${sums.join('\n      ')}
    }`;
      }),
    )
    .join('\n    ');
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
  const factors = range(rows).map(
    (r) => `ivec4 even${r} = x${r}2 + x${r}0 * 65536;\n    ivec4 odd${r} = x${r}3 + x${r}1 * 65536;`,
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
  return [...factors, ...blocks].join('\n    ');
}
