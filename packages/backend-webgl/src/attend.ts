import type { Attrs } from '@cq/core/runtime';
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
  /** `int logitOf(int product)` */
  readonly logit: Step;
  /** `uint shareOf(int total)`: what all keys of a query have in common. */
  readonly share: Step;
  /** `int probabilityOf(int exponential, uint share, int total)`: the code; it may read `boundaries`. */
  readonly probability: Step;
  /** `uint outputOf(int sum)` */
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
  draw(logitText, some({ q, k, bias }), { ...sizes, ...steps.logit.ints }, logits);

  const seen = seenText(mask !== undefined, visible !== undefined);
  const masks = { mask, visible };
  const seenSizes = { ...sizes, ...(visible && { windows }) };
  const known = scratch(queries * 4, 32);
  const totalText = `${steps.share.text}${placeText}${seen}${TOTALS}`;
  draw(totalText, some({ logits, exponentials, ...masks }), { ...seenSizes, ...steps.share.ints }, known, 'texel');

  const shares = scratch(queries * stride, 16);
  const shareText = `${steps.probability.text}${placeText}${seen}${LEVELS}`;
  const shareInputs = some({ logits, known, exponentials, levels, boundaries, ...masks });
  draw(shareText, shareInputs, { ...seenSizes, ...steps.probability.ints }, shares);

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

const logitsText = (biased: boolean, whole: boolean): string => `
uint element(int i) {
  int row = i / stride;
  int j = i - row * stride;
  if (j >= tokens) return 0u;
  ivec3 place = placeOf(row);
  int query = (place.x * tokens + place.z) * channels + place.y * depth;
  int key = (place.x * tokens + j) * channels + place.y * depth;
  int sum = ${biased ? 'biasAt((place.y * tokens + place.z) * tokens + j)' : '0'};
  ${
    whole
      ? `for (int d = 0; d < depth; d += 16) {
    ivec4 x = ivec4(qTexel((query + d) >> 4));
    ivec4 y = ivec4(kTexel((key + d) >> 4));
    ivec4 p = ((x << 24) >> 24) * ((y << 24) >> 24) + ((x << 16) >> 24) * ((y << 16) >> 24) + ((x << 8) >> 24) * ((y << 8) >> 24) + (x >> 24) * (y >> 24);
    sum += p.x + p.y + p.z + p.w;
  }`
      : 'for (int d = 0; d < depth; d++) sum += qAt(query + d) * kAt(key + d);'
  }
  return uint(logitOf(sum));
}
`;

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

const LEVELS = `
uint element(int i) {
  int row = i / stride;
  int j = i - row * stride;
  ivec3 place = placeOf(row);
  if (!countsAt(place, j)) return 0u;
  uvec4 of = knownTexel(row);
  int exponential = seesAt(place, j) ? exponentialsAt(int(of.x) - logitsAt(i)) : 0;
  return uint(levelsAt(probabilityOf(exponential, of.z, int(of.y))));
}
`;

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

/** A texel of outputs is part of one head: 16 channels of a value, or 8. */
function contextTexels(bits: 8 | 16): string {
  const count = perTexel(bits);
  return `
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
  for (int from = 0; from < tokens; from += 8) {
    uvec4 words = sharesTexel((row * stride + from) >> 3);
    int count = min(8, tokens - from);
    for (int j = 0; j < count; j++) {
      int word = int(words[j >> 1]);
      int level = (j & 1) == 0 ? (word << 16) >> 16 : word >> 16;
      ivec4 x = ivec4(vTexel(at));
      first += ((x << 24) >> 24) * level;
      second += ((x << 16) >> 24) * level;
      third += ((x << 8) >> 24) * level;
      fourth += (x >> 24) * level;
      at += step_;
    }
  }
  uvec4 result_ = uvec4(0u);
  for (int i = 0; i < ${count}; i++) {
    int channel = (c & 15) + i;
    int word = channel >> 2;
    int place = channel & 3;
    int sum = place == 0 ? first[word] : place == 1 ? second[word] : place == 2 ? third[word] : fourth[word];
    result_[i / ${count / 4}] |= (outputOf(sum) & ${2 ** bits - 1}u) << ((i % ${count / 4}) * ${bits});
  }
  return result_;
}
`;
}
