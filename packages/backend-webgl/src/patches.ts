import type { PanelAttrs } from '@cq/core/runtime';
import { panelSums, weightCodes } from './glsl/weights.ts';
import type { Source } from './gpu.ts';
import type { Call } from './kernel.ts';
import { perTexel, type Texture } from './texture.ts';

interface Sizes extends PanelAttrs {
  readonly patch: number;
  readonly columns: number;
  readonly rows: number;
  readonly prefix: number;
}

/** The pixels of the patches as rows, each padded with zeros to whole texels. */
export function patches(
  shape: readonly number[],
  { inputs, patch, rows, columns }: Sizes,
  x: Source,
  scratch: Call<never>['scratch'],
  draw: Call<never>['draw'],
): Texture {
  const [batch, , height, width] = shape as [number, number, number, number];
  const stride = Math.ceil(inputs / 16) * 16;
  const output = scratch(batch * rows * columns * stride, 8);
  draw(PIXELS, { x }, { count: inputs, stride, side: patch, rows, across: columns, height, width }, output);
  return output;
}

const PIXELS = `
uint element(int i) {
  int place = i / stride;
  int k = i - place * stride;
  if (k >= count) return 0u;
  int item = place / (rows * across);
  int position = place - item * rows * across;
  int channel = k / (side * side);
  int pixel = k - channel * side * side;
  int y = (position / across) * side + pixel / side;
  int x_ = (position % across) * side + pixel % side;
  return uint(xAt(((item * (count / (side * side)) + channel) * height + y) * width + x_));
}
`;

/**
 * As `matrixProduct`, of patches that `patches` made and rows of tokens around them: `end` also gives
 * `uint constant(int row, int n)`, the element of a row of tokens that is no patch.
 */
export function patchProduct(
  output: Source,
  { inputs, outputs, weightBits, rows, columns, prefix }: Sizes,
  tokens: number,
  end: string,
): { readonly body: string; readonly texels: boolean; readonly ints: Readonly<Record<string, number>> } {
  const ints = {
    columns: inputs,
    outputs,
    stride: Math.ceil(inputs / 16) * 16,
    places: rows * columns,
    prefix,
    tokenRows: tokens,
  };
  const bits = output.bits as 8 | 16 | 32;
  const count = perTexel(bits);
  if (inputs % 16 !== 0 || outputs % count !== 0)
    return { body: weightCodes(weightBits) + end + ELEMENTS, texels: false, ints };
  const mask = bits === 32 ? '' : ` & ${2 ** bits - 1}u`;
  return {
    body: `${panelSums(weightBits, 1, 1)}${end}
uvec4 texelOf(int t) {
  int line = (t * ${count}) / outputs;
  int n = t * ${count} - line * outputs;
  int item = line / tokenRows;
  int row = line - item * tokenRows;
  int place = row - prefix;
  uvec4 words = uvec4(0u);
  bool isPatch = place >= 0 && place < places;
  for (int half_ = 0; half_ < ${Math.max(1, count / 8)}; half_++) {
    int sums[8];
    int from = n + half_ * 8;
    if (isPatch) panelSums(from >> 3, (item * places + place) * (columns >> 4), sums);
    for (int j = 0; j < ${Math.min(8, count)}; j++) {
      int i = half_ * 8 + j;
      uint code = isPatch ? finished(sums[(from + j) & 7], row, n + i) : constant(row, n + i);
      words[i / ${count / 4}] |= (code${mask}) << ((i % ${count / 4}) * ${bits});
    }
  }
  return words;
}
`,
    texels: true,
    ints,
  };
}

const ELEMENTS = `
uint element(int i) {
  int line = i / outputs;
  int n = i - line * outputs;
  int item = line / tokenRows;
  int row = line - item * tokenRows;
  int place = row - prefix;
  if (place < 0 || place >= places) return constant(row, n);
  int sum = 0;
  int start = (item * places + place) * stride;
  for (int k = 0; k < columns; k++) sum += xAt(start + k) * weightAt(n, k);
  return finished(sum, row, n);
}
`;
