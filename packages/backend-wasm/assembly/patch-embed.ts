import { codeAt, storeCode } from './codes';
import { ADD_FLOAT, Epilogue } from './epilogue';
import { blockRows, EPILOGUE_AT, product, productScratch, TILES_AT } from './product';
import { encode1 } from './round';
import { fillTiles } from './tile';

/** Behind the scratch of the product: the pixels of one patch. */
export function patchEmbedScratch(inputs: i32, patches: i32): usize {
  return productScratch(inputs, patches) + <usize>inputs;
}

/**
 * CqPatchEmbed on x [batch, channels, height, width]. tokens: float32 [prefix + patches, outputs]. `low` and `high` are the
 * bounds of the codes less zeroPoint.
 */
export function patchEmbed(
  x: usize, batch: i32, channels: i32, height: i32, width: i32, patch: i32, prefix: i32,
  w: usize, outputs: i32, bias: usize, multiplier: usize, tokens: usize,
  low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const inputs = channels * patch * patch;
  const across = width / patch;
  const patches = across * (height / patch);
  const block = blockRows(inputs, patches);
  const pixels = scratch + productScratch(inputs, patches);
  const tile = <usize>((inputs + 1) >> 1) << 4;

  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = ADD_FLOAT;
  e.multiplier = multiplier;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.residual = tokens + (<usize>(prefix * outputs) << 2);
  e.stride = outputs;
  e.wide = wide;

  for (let b = 0; b < batch; b++, x += <usize>channels * <usize>height * <usize>width) {
    for (let i = 0; i < prefix * outputs; i++) {
      storeCode(codeAt(y, i, wide), encode1(load<f32>(tokens + (<usize>i << 2)), low, high, zeroPoint), wide);
    }
    y = codeAt(y, prefix * outputs, wide);
    e.y = y;
    for (let first = 0; first < patches; first += block) {
      const count = min<i32>(block, patches - first);
      for (let i = 0; i < count; i++) {
        const top = ((first + i) / across) * patch;
        const left = ((first + i) % across) * patch;
        gather(x + <usize>(top * width + left), channels, height * width, width, patch, pixels);
        fillTiles(pixels, 0, 1, inputs, scratch + TILES_AT + <usize>(i >> 2) * tile + (<usize>(i & 3) << 2));
      }
      product(scratch, first, count, inputs, w, bias, outputs);
    }
    y = codeAt(y, patches * outputs, wide);
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
