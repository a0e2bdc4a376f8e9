import { codeAt, storeCode } from './codes';
import { Epilogue, SHIFT_ADD_INT32 } from './epilogue';
import { patchEmbedScratch, readAhead, somePatches } from './patch-embed';
import { EPILOGUE_AT } from './product';
import { encode1, fillFactors } from './shift-epilogue';

/** Behind the scratch of `patchEmbed`: the factors of sums and tokens, float64 [outputs]. */
export function shiftPatchEmbedScratch(inputs: i32, bits: i32, patches: i32, outputs: i32): usize {
  return factorsAt(inputs, bits, patches) + (<usize>outputs << 3);
}

function factorsAt(inputs: i32, bits: i32, patches: i32): usize {
  return (patchEmbedScratch(inputs, bits, patches) + 15) & ~15;
}

/** CqShiftPatchEmbed, with rows and addresses as in `patchEmbed`; tokens: int32 [rows, outputs]. */
export function shiftPatchEmbed(
  x: usize, first: i32, end: i32, channels: i32, height: i32, width: i32, patch: i32, prefix: i32, rows: i32,
  w: usize, bits: i32, outputs: i32, bias: usize, unit: usize, exponent: usize, tokens: usize,
  low: f32, high: f32, y: usize, wide: bool, scratch: usize,
): void {
  const patches = (width / patch) * (height / patch);
  const factors = scratch + factorsAt(channels * patch * patch, bits, patches);
  fillFactors(unit, exponent, outputs, factors);
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = SHIFT_ADD_INT32;
  e.multiplier = factors;
  e.residualFactors = factors;
  e.low = low;
  e.high = high;
  e.residual = tokens + (<usize>(prefix * outputs) << 2);
  e.stride = outputs;
  e.wide = wide;
  for (let item = first / rows; item * rows < end; item++) {
    const start = max<i32>(first - item * rows, 0);
    const stop = min<i32>(end - item * rows, rows);
    const image = x + <usize>item * <usize>channels * <usize>height * <usize>width;
    const origin = codeAt(y, (item * rows - first) * outputs, wide); // of the image's row 0
    constantRows(tokens, start, min<i32>(prefix, stop), outputs, factors, low, high, origin, wide);
    constantRows(tokens, max<i32>(prefix + patches, start), stop, outputs, factors, low, high, origin, wide);
    e.y = codeAt(origin, prefix * outputs, wide);
    readAhead(codeAt(tokens, start * outputs, true), codeAt(tokens, stop * outputs, true), scratch);
    somePatches(image, start - prefix, stop - prefix, channels, height, width, patch, w, bits, outputs, bias, scratch);
  }
}

/** Codes of the rows of tokens from `first` to `end`, which hold no patch. */
function constantRows(
  tokens: usize, first: i32, end: i32, outputs: i32, factors: usize, low: f32, high: f32, y: usize, wide: bool,
): void {
  for (let row = first; row < end; row++) {
    for (let n = 0; n < outputs; n++) {
      const at = row * outputs + n;
      const sum = <f64>load<i32>(tokens + (<usize>at << 2)) * load<f64>(factors + (<usize>n << 3));
      storeCode(codeAt(y, at, wide), encode1(sum, <f64>low, <f64>high), wide);
    }
  }
}
