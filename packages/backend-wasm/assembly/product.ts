import { Epilogue, EPILOGUE, finishTile, SHIFT_CODES } from './epilogue';
import { dotQuads, fillQuads, inQuads, QUAD, quads } from './quads';
import { finishShifted } from './shift-epilogue';
import { dotRuns, dotTile, dotWide, fillRow, PAIR, START, SUMS } from './tile';
import { linesOf, pairsOf, panelBytes, runBytes, unpackedBytes, widened, widenedBytes } from './unpack';

/** Scratch memory of a product: epilogue, sums of a tile, start of the sums, tiles of a block of rows, an unpacked panel and its runs. */
export const EPILOGUE_AT: usize = 0;
export const SUMS_AT: usize = EPILOGUE_AT + EPILOGUE;
export const START_AT: usize = SUMS_AT + SUMS;
export const TILES_AT: usize = START_AT + START;

/** Activations in tiles at a time: what leaves room for a panel in a second-level cache. */
const BLOCK_BYTES: usize = 1 << 18;

/** Bytes of a tile of 4 rows that meets a weight stored in so many bits. */
@inline
function tileBytes(inputs: i32, bits: i32): usize {
  return inQuads(bits) ? (<usize>quads(inputs) + 1) * QUAD : (<usize>(inputs + 1) >> 1) * PAIR;
}

/** Rows in tiles at a time, a multiple of 4. */
export function blockRows(inputs: i32, bits: i32, rows: i32): i32 {
  const most = max<i32>(1, <i32>(BLOCK_BYTES / tileBytes(inputs, bits))) << 2;
  return min<i32>(most, (rows + 3) & ~3);
}

export function productScratch(inputs: i32, bits: i32, rows: i32): usize {
  const tiles = <usize>(blockRows(inputs, bits, rows) >> 2) * tileBytes(inputs, bits);
  return TILES_AT + tiles + (inQuads(bits) ? unpackedBytes(inputs, bits) : widenedBytes(inputs, bits) + runBytes(inputs));
}

/** From so many rows on it is faster to widen a panel once than in the inner loop. */
const MANY_ROWS: i32 = 24;

/** In place of bits: the panels of the weight are int16 already. */
export const WIDENED: i32 = 16;

/** Puts int8 codes of x into the tiles as row `row` of the block. */
export function fillTile(x: usize, inputs: i32, bits: i32, row: i32, scratch: usize): void {
  const to = scratch + TILES_AT + <usize>(row >> 2) * tileBytes(inputs, bits) + (<usize>(row & 3) << 2);
  if (inQuads(bits)) fillQuads(x, inputs, bits, to);
  else fillRow(x, inputs, to);
}

/**
 * The rows in the tiles times every panel of w; the first of them is row `first` of the output. A panel meets all rows
 * before the next one is read, so that it stays in the first-level cache and the tiles in the second.
 */
export function product(
  scratch: usize, first: i32, rows: i32, inputs: i32, w: usize, bias: usize, outputs: i32, bits: i32,
): void {
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  const sums = scratch + SUMS_AT;
  const tiles = scratch + TILES_AT;
  const bytes = tileBytes(inputs, bits);
  const unpacked = tiles + <usize>((rows + 3) >> 2) * bytes;
  const runs = unpacked + widenedBytes(inputs, bits);
  const whole = (<u64>(inputs + 1) >> 1) * <u64>PAIR << 32; // a run from 0 to the end
  const narrow = bits != WIDENED && rows < MANY_ROWS;
  for (let column = 0; column < outputs; column += 8, w += panelBytes(inputs, bits)) {
    let panel = w;
    let count = 1;
    if (inQuads(bits)) panel = linesOf(w, inputs, bits, unpacked);
    else if (narrow) panel = pairsOf(w, inputs, bits, unpacked);
    else if (bits != WIDENED) {
      panel = unpacked;
      count = widened(w, inputs, bits, unpacked, runs);
    }
    const sparse = !narrow && !inQuads(bits) && bits != WIDENED && !(count == 1 && load<u64>(runs) == whole);
    const columns = min<i32>(8, outputs - column);
    let start = bias + (<usize>column << 2);
    if (columns < 8) {
      for (let n = 0; n < columns; n++) store<i32>(scratch + START_AT + (<usize>n << 2), load<i32>(start + (<usize>n << 2)));
      start = scratch + START_AT;
    }
    for (let row = 0, tile = tiles; row < rows; row += 4, tile += bytes) {
      const present = min<i32>(4, rows - row);
      if (inQuads(bits)) dotQuads(present, tile, panel, quads(inputs), bits, start, sums);
      else if (narrow) dotTile(present, tile, panel, (inputs + 1) >> 1, start, sums);
      else if (sparse) dotRuns(tile, panel, runs, count, start, sums);
      else dotWide(present, tile, panel, (inputs + 1) >> 1, start, sums);
      if (e.kind >= SHIFT_CODES) finishShifted(e, sums, first + row, present, column, columns, outputs);
      else finishTile(e, sums, first + row, present, column, columns, outputs);
    }
  }
}
