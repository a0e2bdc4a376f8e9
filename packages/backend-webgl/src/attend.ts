import type { Attrs } from '@cq/core/runtime';
import { signedBytes } from './glsl/signed-bytes.ts';
import { settled } from './glsl/settled.ts';
import type { Source } from './gpu.ts';
import type { Call } from './kernel.ts';
import { perTexel } from './texture.ts';

/** A function of GLSL, and the ints it takes. */
interface Step {
  readonly text: string;
  readonly ints: Readonly<Record<string, number>>;
}

/** What becomes of the integers on the way: `AttentionSteps` of `@cq/core/runtime`. */
export interface Steps {
  /** `int logitOf(int product)`; `int quickLogit(int product)` may set the global `unsure` instead, as the others below. */
  readonly logit: Step;
  /** `uint shareOf(int total)`: what all keys of a query have in common. */
  readonly share: Step;
  /** `int probabilityOf(int exponential, uint share, int total)`: the code; it may read `boundaries`. And `quickProbability`. */
  readonly probability: Step;
  /** `uint outputOf(int sum)`, `uint quickOutput(int sum)` */
  readonly output: Step;
}

interface Sizes {
  readonly heads: number;
  readonly depth: number;
  readonly windows: number;
  readonly logitBits: number;
}

/**
 * Attention in four programs: logit codes of all pairs; largest logit and sum of exponentials of each query; levels of all
 * pairs; sums of levels times values. The keys of a query are padded to whole texels in between.
 */
export function attend<A extends Attrs>(
  { shapes, inputs, output, scratch, draw }: Call<A>,
  { heads, depth, windows }: Sizes,
  steps: Steps,
): void {
  const [batch, tokens, channels] = shapes['q'] as [number, number, number];
  const { q, k, v, exponentials, levels, bias, visible, boundaries, mask } = inputs as Record<string, Source>;
  const stride = Math.ceil(tokens / 16) * 16;
  const queries = batch * heads * tokens;
  const sizes = { tokens, channels, heads, depth, stride };
  const some = (sources: Readonly<Record<string, Source | undefined>>): Record<string, Source> =>
    Object.fromEntries(Object.entries(sources).filter((entry): entry is [string, Source] => entry[1] !== undefined));
  const whole = [q, k, v].every((source) => source!.bits === 8) && channels % 16 === 0 && depth % 16 === 0;

  const logits = scratch(queries * stride, 8);
  const logitText = `${steps.logit.text}${placeText}${logitsText(bias !== undefined, whole)}`;
  draw(logitText, some({ q, k, bias }), { ...sizes, ...steps.logit.ints }, logits, whole ? 'texel' : 'element');

  const seen = seenText(mask !== undefined, visible !== undefined);
  const masks = { mask, visible };
  const seenSizes = { ...sizes, ...(visible && { windows }) };
  const known = scratch(queries * 4, 32);
  const totalText = `${steps.share.text}${placeText}${seen}${TOTALS}`;
  draw(totalText, some({ logits, exponentials, ...masks }), { ...seenSizes, ...steps.share.ints }, known, 'texel');

  const shares = scratch(queries * stride, 16);
  const shareText = `${steps.probability.text}${placeText}${seen}${LEVELS}`;
  const shareInputs = some({ logits, known, exponentials, levels, boundaries, ...masks });
  draw(shareText, shareInputs, { ...seenSizes, ...steps.probability.ints }, shares, 'quick element');

  const blocks = whole && output.bits !== 'stock' && depth % perTexel(output.bits) === 0 && output.bits !== 32;
  const outputText = `${steps.output.text}${blocks ? contextTexels(output.bits as 8 | 16) : CONTEXT}`;
  draw(outputText, { v: v!, shares }, { ...sizes, ...steps.output.ints }, output, blocks ? 'texel' : 'element');
}

/** Item, head and query of a row of pairs. */
const placeText = `
ivec3 placeOf(int row) {
  int b = row / (heads * tokens);
  int rest = row - b * heads * tokens;
  int head = rest / tokens;
  return ivec3(b, head, rest - head * tokens);
}
`;

/** A texel of logits is 16 keys of a query. */
const logitsText = (biased: boolean, whole: boolean): string => {
  const biasOf = (j: string): string => `biasAt((place.y * tokens + place.z) * tokens + ${j})`;
  const places = `int query = (place.x * tokens + place.z) * channels + place.y * depth;
  int key = (place.x * tokens + j) * channels + place.y * depth;`;
  if (!whole) {
    return `
uint element(int i) {
  int row = i / stride;
  int j = i - row * stride;
  if (j >= tokens) return 0u;
  ivec3 place = placeOf(row);
  ${places}
  int sum = ${biased ? biasOf('j') : '0'};
  for (int d = 0; d < depth; d++) sum += qAt(query + d) * kAt(key + d);
  return uint(logitOf(sum));
}
`;
  }
  return `${signedBytes}
uvec4 texelOf(int t) {
  int row = (t * 16) / stride;
  int j = t * 16 - row * stride;
  ivec3 place = placeOf(row);
  ${places}
  int products[16];
  for (int i = 0; i < 16; i++) products[i] = 0;
  int d = 0;
  do {
    ivec4 x = ivec4(qTexel((query + d) >> 4));
    vec4 x0 = byte0(x);
    vec4 x1 = byte1(x);
    vec4 x2 = byte2(x);
    vec4 x3 = byte3(x);
    int at = (key + d) >> 4;
    ${Array.from(
      { length: 16 },
      (_, i) => `{
      ivec4 y = ivec4(kTexel(at));
      products[${i}] += whole(x0 * byte0(y) + x1 * byte1(y) + x2 * byte2(y) + x3 * byte3(y));
      at += channels >> 4;
    }`,
    ).join('\n    ')}
    d += 16;
  } while (d < depth);
  ${biased ? `for (int i = 0; i < 16; i++) products[i] += ${biasOf('min(j + i, tokens - 1)')};` : ''}
  ${settled(8, 1, { quick: (_, i) => `uint(quickLogit(products[${i}]))`, exact: (_, i) => `uint(logitOf(products[${i}]))` })}
  return uvec4(words[0], words[1], words[2], words[3]);
}
`;
};

const seenText = (masked: boolean, windowed: boolean): string => `
bool countsAt(ivec3 place, int j) {
  return j < tokens${masked ? ' && maskAt(place.x * tokens + j) != 0' : ''};
}
bool seesAt(ivec3 place, int j) {
  return countsAt(place, j)${windowed ? ' && visibleAt(((place.x % windows) * tokens + place.z) * tokens + j) != 0' : ''};
}
`;

const TOTALS = `
uvec4 texelOf(int row) {
  ivec3 place = placeOf(row);
  int most = -128;
  for (int j = 0; j < tokens; j++) if (seesAt(place, j)) most = max(most, logitsAt(row * stride + j));
  int total = 0;
  for (int j = 0; j < tokens; j++) if (seesAt(place, j)) total += exponentialsAt(most - logitsAt(row * stride + j));
  return uvec4(uint(most), uint(total), shareOf(total), 0u);
}
`;

const LEVELS = ['quick', 'element']
  .map(
    (name) => `
uint ${name}(int i) {
  int row = i / stride;
  int j = i - row * stride;
  ivec3 place = placeOf(row);
  if (!countsAt(place, j)) return 0u;
  uvec4 of = knownTexel(row);
  int exponential = seesAt(place, j) ? exponentialsAt(int(of.x) - logitsAt(i)) : 0;
  return uint(levelsAt(${name === 'quick' ? 'quickProbability' : 'probabilityOf'}(exponential, of.z, int(of.y))));
}
`,
  )
  .join('');

const CONTEXT = `
uint element(int i) {
  int line = i / channels;
  int c = i - line * channels;
  int b = line / tokens;
  int head = c / depth;
  int row = (b * heads + head) * tokens + line - b * tokens;
  int sum = 0;
  for (int j = 0; j < tokens; j++) sum += sharesAt(row * stride + j) * vAt((b * tokens + j) * channels + c);
  return outputOf(sum);
}
`;

/** A texel of outputs is part of one head: 16 channels of a value, or 8. Levels behind the last key are 0. */
function contextTexels(bits: 8 | 16): string {
  const count = perTexel(bits);
  return `${signedBytes}
uvec4 texelOf(int t) {
  int line = (t * ${count}) / channels;
  int c = t * ${count} - line * channels;
  int b = line / tokens;
  int head = c / depth;
  int row = (b * heads + head) * tokens + line - b * tokens;
  ivec4 first = ivec4(0);
  ivec4 second = ivec4(0);
  ivec4 third = ivec4(0);
  ivec4 fourth = ivec4(0);
  int at = (b * tokens * channels + c) >> 4;
  int step_ = channels >> 4;
  int from = 0;
  do {
    ivec4 words = ivec4(sharesTexel((row * stride + from) >> 3));
    ivec4 even = ivec4(vec4(words * 0x10000) * ${2 ** -16});
    ivec4 odd = ivec4(vec4(words & -0x10000) * ${2 ** -16});
    ${Array.from(
      { length: 8 },
      (_, j) => `{
      ivec4 x = ivec4(vTexel(at));
      int level = ${j % 2 === 0 ? 'even' : 'odd'}[${j >> 1}];
      first += code(byte0(x)) * level;
      second += code(byte1(x)) * level;
      third += code(byte2(x)) * level;
      fourth += code(byte3(x)) * level;
      at += step_;
    }`,
    ).join('\n    ')}
    from += 8;
  } while (from < tokens);
  int sums[16];
  ${Array.from({ length: 16 }, (_, i) => `sums[${i}] = ${['first', 'second', 'third', 'fourth'][i & 3]}[${i >> 2}];`).join('\n  ')}
  ${settled(bits, 1, { quick: (_, i) => `quickOutput(sums[(c & 15) + ${i}])`, exact: (_, i) => `outputOf(sums[(c & 15) + ${i}])` })}
  return uvec4(words[0], words[1], words[2], words[3]);
}
`;
}
