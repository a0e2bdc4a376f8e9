import { Epilogue, EPILOGUE, finishTile } from './epilogue';
import { dotTile, PAIR, START, SUMS } from './tile';

/** Scratch memory of a product: epilogue, sums of a tile, start of the sums, tiles of a block of rows. */
export const EPILOGUE_AT: usize = 0;
export const SUMS_AT: usize = EPILOGUE_AT + EPILOGUE;
export const START_AT: usize = SUMS_AT + SUMS;
export const TILES_AT: usize = START_AT + START;

/** Activations widened at a time: what leaves room for a panel in a second-level cache. */
const BLOCK_BYTES: i32 = 1 << 18;

/** Rows widened at a time, a multiple of 4. */
export function blockRows(inputs: i32, rows: i32): i32 {
  const pairs = (inputs + 1) >> 1;
  const most = max<i32>(4, (BLOCK_BYTES / (pairs << 2)) & ~3);
  return min<i32>(most, (rows + 3) & ~3);
}

export function productScratch(inputs: i32, rows: i32): usize {
  return TILES_AT + <usize>(blockRows(inputs, rows) >> 2) * <usize>((inputs + 1) >> 1) * PAIR;
}

/**
 * The rows in the tiles times every panel of w; the first of them is row `first` of the output. A panel meets all rows
 * before the next one is read, so that it stays in the first-level cache and the tiles in the second.
 */
export function product(scratch: usize, first: i32, rows: i32, inputs: i32, w: usize, bias: usize, outputs: i32): void {
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  const sums = scratch + SUMS_AT;
  const pairs = (inputs + 1) >> 1;
  const bytes = <usize>pairs * PAIR;
  for (let column = 0; column < outputs; column += 8, w += bytes) {
    const columns = min<i32>(8, outputs - column);
    let start = bias + (<usize>column << 2);
    if (columns < 8) {
      for (let n = 0; n < columns; n++) store<i32>(scratch + START_AT + (<usize>n << 2), load<i32>(start + (<usize>n << 2)));
      start = scratch + START_AT;
    }
    let tile = scratch + TILES_AT;
    for (let row = 0; row < rows; row += 4, tile += bytes) {
      const present = min<i32>(4, rows - row);
      dotTile(present, tile, w, pairs, start, sums);
      finishTile(e, sums, first + row, present, column, columns, outputs);
    }
  }
}
