import { attentionShifts, codeRange, CqShiftAttention, type ShiftAttentionAttrs } from '@cq/core/runtime';
import { attend } from './attend.ts';
import { shift } from './glsl/shift.ts';
import { uint64 } from './glsl/uint64.ts';
import { registerWebglKernel } from './kernel.ts';

const prelude = `${uint64}${shift}`;

const logit = `${prelude}
int logitOf(int product) {
  return clamp(int(roundShifted(uint(product), uint(exponent))), low, high);
}
int quickLogit(int product) {
  return logitOf(product);
}
`;

const share = `
uint shareOf(int total) {
  return 0u;
}
`;

const uniform = `${prelude}
int probabilityOf(int exponential, uint share, int total) {
  return total == 0 ? 0 : int(quotientOf(uint(exponential), uint(fraction), uint(total), uint(top)));
}
int quickProbability(int exponential, uint share, int total) {
  return probabilityOf(exponential, share, total);
}
`;

const others = `${prelude}
int probabilityOf(int exponential, uint share, int total) {
  if (total == 0) return 0;
  int code = 0;
  while (code < top && uint(exponential) >= leastOf(uint(total), uint(boundariesAt(code)))) code++;
  return code;
}
int quickProbability(int exponential, uint share, int total) {
  return probabilityOf(exponential, share, total);
}
`;

const output = `${prelude}
uint outputOf(int sum) {
  return uint(clamp(int(roundShifted(uint(sum), uint(exponent))), low, high));
}
uint quickOutput(int sum) {
  return outputOf(sum);
}
`;

export function registerShiftAttention(): void {
  registerWebglKernel<ShiftAttentionAttrs>(CqShiftAttention, (call) => {
    const { attrs } = call;
    const [logitLow, logitHigh] = codeRange(attrs.logitBits);
    const [low, high] = codeRange(attrs.bits);
    const [, top] = codeRange(attrs.probabilityBits, false);
    const { logitShift, outputShift } = attentionShifts(attrs);
    attend(call, attrs, {
      logit: { text: logit, ints: { exponent: 1200 - logitShift, low: logitLow, high: logitHigh } },
      share: { text: share, ints: {} },
      probability: call.inputs['boundaries']
        ? { text: others, ints: { top } }
        : { text: uniform, ints: { top, fraction: -attrs.probabilityExponent } },
      output: { text: output, ints: { exponent: 1200 - outputShift, low, high } },
    });
  });
}
