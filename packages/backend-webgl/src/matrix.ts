import type { Attrs, PanelAttrs } from '@cq/core/runtime';
import { settled } from './glsl/settled.ts';
import { panelSums, weightCodes } from './glsl/weights.ts';
import type { Source } from './gpu.ts';
import type { Call } from './kernel.ts';
import { perTexel, type ElementBits, type Texture } from './texture.ts';

/** What becomes of an exact sum. */
export interface End {
  /**
   * `void prepare(int n)`, called for each output, and behind it for each row `uint quick(int sum, int row, int n)`, which sets
   * the global `unsure` where only the slow `uint finished(int sum, int row, int n)` knows; and `uint64`.
   */
  readonly text: string;
  readonly inputs: Readonly<Record<string, Source>>;
  readonly ints: Readonly<Record<string, number>>;
}

/** So many rows share a fetch of the weights: an engine writes that many textures at once. */
const ROWS = 4;

/**
 * A product with a panelled weight, into `output`. Rows of x and of the output that are whole texels are summed a panel at a time,
 * four of them together into four textures, which a second program puts in order.
 */
export function matrixProduct<A extends Attrs>(
  { draw, scratch }: Pick<Call<A>, 'draw' | 'scratch'>,
  x: Source,
  output: Texture,
  { inputs, outputs, weightBits }: PanelAttrs,
  end: End,
): void {
  const sources = { ...end.inputs, x };
  const ints = { columns: inputs, outputs, ...end.ints };
  const { bits, size } = output;
  const rows = size / outputs;
  if (x.bits !== 8 || inputs % 16 !== 0 || outputs % perTexel(bits) !== 0) {
    draw(weightCodes(weightBits) + end.text + ELEMENTS, sources, ints, output);
  } else if (rows < ROWS) {
    draw(blockText(weightBits, bits, 1, end.text) + ONE_ROW, sources, ints, output, 'texel');
  } else {
    const parts = Array.from({ length: ROWS }, () => scratch(Math.ceil(rows / ROWS) * outputs, bits));
    draw(blockText(weightBits, bits, ROWS, end.text) + FOUR_ROWS, sources, ints, parts, 'four texels');
    const named = Object.fromEntries(parts.map((part, i) => [`part${i}`, part]));
    draw(IN_ORDER, named, { across: outputs / perTexel(bits) }, output, 'texel');
  }
}

const ELEMENTS = `
uint element(int i) {
  int row = i / outputs;
  int n = i - row * outputs;
  int sum = 0;
  for (int k = 0; k < columns; k++) sum += xAt(row * columns + k) * weightAt(n, k);
  prepare(n);
  return finished(sum, row, n);
}
`;

/** `void block(int t, out uvec4 all[rows])`: texel t of the output, as if only every fourth row had one. */
function blockText(weightBits: number, bits: ElementBits, rows: number, end: string): string {
  const count = perTexel(bits);
  const panels = Math.max(1, count / 8);
  const given = (row: string, i: string): string =>
    `sums[${row} * ${panels * 8} + ${count < 8 ? `((n + ${i}) & 7)` : i}], group * ${rows} + ${row}, n + ${i}`;
  return `${panelSums(weightBits, rows, panels)}${end}
void block(int t, out uvec4 all[${rows}]) {
  int group = (t * ${count}) / outputs;
  int n = t * ${count} - group * outputs;
  int sums[${rows * panels * 8}];
  panelSums(n >> 3, group * ${rows} * (columns >> 4), sums);
  ${settled(bits, rows, {
    prepare: (i) => `prepare(n + ${i});`,
    quick: (row, i) => `quick(${given(row, i)})`,
    exact: (row, i) => `finished(${given(row, i)})`,
  })}
  ${Array.from({ length: rows }, (_, r) => `all[${r}] = uvec4(words[${4 * r}], words[${4 * r + 1}], words[${4 * r + 2}], words[${4 * r + 3}]);`).join('\n  ')}
}
`;
}

const ONE_ROW = `
uvec4 texelOf(int t) {
  uvec4 all[1];
  block(t, all);
  return all[0];
}
`;

const FOUR_ROWS = `
void texelsOf(int t, out uvec4 all[4]) {
  block(t, all);
}
`;

const IN_ORDER = `
uvec4 texelOf(int t) {
  int row = t / across;
  int at = (row >> 2) * across + t - row * across;
  int part = row & 3;
  if (part == 0) return part0Texel(at);
  if (part == 1) return part1Texel(at);
  return part == 2 ? part2Texel(at) : part3Texel(at);
}
`;
