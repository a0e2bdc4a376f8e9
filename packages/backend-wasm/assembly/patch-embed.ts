import { codeAt, storeCode } from './codes';
import { ADD_FLOAT, Epilogue } from './epilogue';
import { blockRows, EPILOGUE_AT, fillTile, product, productScratch, START_AT } from './product';
import { encode1 } from './round';

/** Behind the scratch of the product: the pixels of one patch. */
export function patchEmbedScratch(inputs: i32, bits: i32, patches: i32): usize {
  return productScratch(inputs, bits, patches) + <usize>inputs;
}

/**
 * CqPatchEmbed of the rows `first` to `end` of y [batch · rows, outputs], of which `y` is the address of row `first`; x
 * [batch, channels, height, width]. tokens: float32 [rows, outputs], the patches' behind the first `prefix`. `low` and `high`
 * are the bounds of the codes less zeroPoint.
 */
export function patchEmbed(
  x: usize, first: i32, end: i32, channels: i32, height: i32, width: i32, patch: i32, prefix: i32, rows: i32,
  w: usize, bits: i32, outputs: i32, bias: usize, multiplier: usize, tokens: usize,
  low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const patches = (width / patch) * (height / patch);
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = ADD_FLOAT;
  e.multiplier = multiplier;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.residual = tokens + (<usize>(prefix * outputs) << 2);
  e.stride = outputs;
  e.wide = wide;
  for (let item = first / rows; item * rows < end; item++) {
    const start = max<i32>(first - item * rows, 0);
    const stop = min<i32>(end - item * rows, rows);
    const image = x + <usize>item * <usize>channels * <usize>height * <usize>width;
    const origin = codeAt(y, (item * rows - first) * outputs, wide); // of the image's row 0
    constantRows(tokens, start * outputs, min<i32>(prefix, stop) * outputs, low, high, zeroPoint, origin, wide);
    constantRows(tokens, max<i32>(prefix + patches, start) * outputs, stop * outputs, low, high, zeroPoint, origin, wide);
    e.y = codeAt(origin, prefix * outputs, wide);
    readAhead(codeAt(tokens, start * outputs, true), codeAt(tokens, stop * outputs, true), scratch);
    somePatches(image, start - prefix, stop - prefix, channels, height, width, patch, w, bits, outputs, bias, scratch);
  }
}

/**
 * Reads numbers in order, so that they are in the cache when the product meets them panel by panel: 32 bytes of each row at a time,
 * which no processor foresees.
 */
export function readAhead(from: usize, end: usize, scratch: usize): void {
  let any = i32x4.splat(0);
  for (; from + 16 <= end; from += 64) any = v128.or(any, v128.load(from));
  v128.store(scratch + START_AT, any); // or else nothing would be read
}

/** Those patches of one image that there are from `start` to `stop`. The epilogue stands in `scratch`. */
export function somePatches(
  x: usize, start: i32, stop: i32, channels: i32, height: i32, width: i32, patch: i32, w: usize, bits: i32, outputs: i32, bias: usize, scratch: usize,
): void {
  const inputs = channels * patch * patch;
  const across = width / patch;
  const patches = across * (height / patch);
  const block = blockRows(inputs, bits, patches);
  const pixels = scratch + productScratch(inputs, bits, patches);
  const end = min<i32>(stop, patches);
  for (let first = max<i32>(start, 0); first < end; first += block) {
    const count = min<i32>(block, end - first);
    for (let i = 0; i < count; i++) {
      const top = ((first + i) / across) * patch;
      const left = ((first + i) % across) * patch;
      gather(x + <usize>(top * width + left), channels, height * width, width, patch, pixels);
      fillTile(pixels, inputs, bits, i, scratch);
    }
    product(scratch, first, count, inputs, w, bias, outputs, bits);
  }
}

/** Codes of the tokens from `first` to `end`, which hold no patch. */
function constantRows(tokens: usize, first: i32, end: i32, low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool): void {
  for (let i = first; i < end; i++) {
    storeCode(codeAt(y, i, wide), encode1(load<f32>(tokens + (<usize>i << 2)), low, high, zeroPoint), wide);
  }
}

/** The pixels of a patch in the order [channel, row, column]. */
function gather(x: usize, channels: i32, plane: i32, width: i32, patch: i32, to: usize): void {
  for (let c = 0; c < channels; c++, x += plane) {
    let line = x;
    for (let row = 0; row < patch; row++, line += width) {
      let i = 0;
      for (; i + 8 <= patch; i += 8, to += 8) store<u64>(to, load<u64>(line + i));
      for (; i < patch; i++, to++) store<u8>(to, load<u8>(line + i));
    }
  }
}
