import { codeRange, CqLayerNorm, epsilonTerm, type LayerNormAttrs } from '@cq/core/runtime';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { float64 } from './glsl/float64.ts';
import { splitDouble } from './glsl/split-double.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

/** (1 / d, Σ, -, -) of a row, in one texel. */
const statistics = `${uint64}${float32}${float64}
uvec4 texelOf(int row) {
  int sum = 0;
  uvec2 squares = uvec2(0u);
  for (int c = 0; c < channels; c++) {
    int code = xAt(row * channels + c);
    sum += code;
    uint low = squares.y + uint(code * code);
    squares = uvec2(low < squares.y ? squares.x + 1u : squares.x, low);
  }
  uvec2 total = mul32(uint(channels), squares.y);
  total.x += uint(channels) * squares.x;
  uint size = uint(abs(sum));
  total = sub64(total, mul32(size, size));
  return uvec4(inverseRoot(total, uvec2(uint(offsetHigh), uint(offsetLow)), uint(offsetExponent)), uint(sum), 0u, 0u);
}
`;

const normalised = `${uint64}${float32}${codes}
uint quick(int i) {
  int row = i / channels;
  int c = i - row * channels;
  uvec4 known = statisticsTexel(row);
  uint gamma_ = uint(gammaAt(c));
  uint beta_ = uint(betaAt(c));
  float p = float(channels * xAt(i) - int(known.y)) * uintBitsToFloat(known.x) * uintBitsToFloat(gamma_);
  float q = uintBitsToFloat(beta_);
  unsure = doubtful(p + q, abs(p) + abs(q)) || strange(gamma_) || strange(beta_);
  return uint(nearest(p + q, zeroPoint, low, high));
}
uint element(int i) {
  int row = i / channels;
  int c = i - row * channels;
  uvec4 known = statisticsTexel(row);
  uint product = mulFloat(scaled(channels * xAt(i) - int(known.y), known.x), uint(gammaAt(c)));
  return uint(codeOf(addFloat(product, uint(betaAt(c))), zeroPoint, low, high));
}
`;

export function registerLayerNorm(): void {
  registerWebglKernel<LayerNormAttrs>(CqLayerNorm, ({ attrs, shapes, inputs, output, scratch, draw }) => {
    const channels = shapes['x']!.at(-1)!;
    const { mantissa, exponent } = splitDouble(epsilonTerm(attrs, channels));
    const [low, high] = codeRange(attrs.bits);
    const known = scratch((output.size / channels) * 4, 32);
    const offset = { offsetHigh: mantissa[0], offsetLow: mantissa[1], offsetExponent: exponent };
    draw(statistics, { x: inputs['x']! }, { channels, ...offset }, known, 'texel');
    const { x, gamma, beta } = inputs as Record<'x' | 'gamma' | 'beta', NonNullable<(typeof inputs)['x']>>;
    const ints = { channels, zeroPoint: attrs.zeroPoint, low, high };
    draw(normalised, { x, gamma, beta, statistics: known }, ints, output, 'quick element');
  });
}
