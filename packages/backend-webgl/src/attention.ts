import { codeRange, CqAttention, type AttentionAttrs } from '@cq/core/runtime';
import { attend } from './attend.ts';
import { bitsOf } from './bits-of.ts';
import { codes } from './glsl/codes.ts';
import { float32 } from './glsl/float32.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const prelude = `${uint64}${float32}${codes}`;

const logit = `${prelude}
int logitOf(int product) {
  return codeOf(scaled(product, uint(multiplier)), zeroPoint, low, high);
}
int quickLogit(int product) {
  return quickly(product, uint(multiplier), zeroPoint, low, high);
}
`;

/** What all keys of a query share: its ratio. */
const share = `${prelude}
uint shareOf(int total) {
  return total == 0 ? 0u : divFloat(uint(inverseScale), floatOf(uint(total)));
}
`;

const uniform = `${prelude}
int probabilityOf(int exponential, uint ratio, int total) {
  return codeOf(scaled(exponential, ratio), 0, 0, top);
}
int quickProbability(int exponential, uint ratio, int total) {
  return quickly(exponential, ratio, 0, 0, top);
}
`;

const others = `${prelude}
int probabilityOf(int exponential, uint ratio, int total) {
  uint share = scaled(exponential, ratio);
  int first = 0;
  int last = top;
  while (first < last) {
    int middle = (first + last) >> 1;
    if (atLeast(share, uint(boundariesAt(middle)))) first = middle + 1;
    else last = middle;
  }
  return first;
}
int quickProbability(int exponential, uint ratio, int total) {
  return probabilityOf(exponential, ratio, total);
}
`;

const output = `${prelude}
uint outputOf(int sum) {
  return uint(codeOf(scaled(sum, uint(multiplier)), zeroPoint, low, high));
}
uint quickOutput(int sum) {
  return uint(quickly(sum, uint(multiplier), zeroPoint, low, high));
}
`;

export function registerAttention(): void {
  registerWebglKernel<AttentionAttrs>(CqAttention, (call) => {
    const { attrs } = call;
    const [logitLow, logitHigh] = codeRange(attrs.logitBits);
    const [low, high] = codeRange(attrs.bits);
    const [, top] = codeRange(attrs.probabilityBits, false);
    const { fround } = Math;
    attend(call, attrs, {
      logit: {
        text: logit,
        ints: {
          multiplier: bitsOf(attrs.logitMultiplier),
          zeroPoint: attrs.logitZeroPoint,
          low: logitLow,
          high: logitHigh,
        },
      },
      share: { text: share, ints: { inverseScale: bitsOf(fround(1 / fround(attrs.probabilityScale))) } },
      probability: { text: call.inputs['boundaries'] ? others : uniform, ints: { top } },
      output: {
        text: output,
        ints: { multiplier: bitsOf(attrs.outputMultiplier), zeroPoint: attrs.zeroPoint, low, high },
      },
    });
  });
}
