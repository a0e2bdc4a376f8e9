import { pack4 } from './pack';
import { rowProduct } from './row-product';
import { PANEL_STEP, tile, TILE_STEP } from './tile';

/** Steps of the depth at a time: a panel and a tile stay in the first-level cache. */
const MOST_DEPTH: i32 = 256;
/** Rows packed at a time: what leaves room in a second-level cache. */
const BLOCK_BYTES: i32 = 1 << 18;

/** Scratch memory: the numbers that sums start from, the sums of a tile at an edge, a panel, tiles of a block of rows. */
const START_AT: usize = 0;
const SUMS_AT: usize = START_AT + 32;
const PANEL_AT: usize = SUMS_AT + 128;
const TILES_AT: usize = PANEL_AT + <usize>MOST_DEPTH * PANEL_STEP;

/** The depth in equal parts, so that none is short. At least 1, though the depth be 0. */
@inline
function depthOf(depth: i32): i32 {
  const parts = max<i32>(1, (depth + MOST_DEPTH - 1) / MOST_DEPTH);
  return max<i32>(1, (depth + parts - 1) / parts);
}

/** Rows packed at a time, a multiple of 4. */
@inline
function blockRows(rows: i32, depth: i32): i32 {
  const most = (BLOCK_BYTES / (depth << 2)) & ~3;
  return min<i32>(most, (rows + 3) & ~3);
}

export function matMulScratch(rows: i32, depth: i32): usize {
  const part = depthOf(depth);
  return TILES_AT + <usize>blockRows(rows, part) * <usize>part * 4;
}

/**
 * c[r, n] = factor · (start[n] + Σ_k a[r, k] · b[k, n]), summed over k in order; start: float32 [columns], or 0 for zeros.
 * Strides are numbers from row to row in memory; `across`: a is stored [depth, rows], `along`: b is stored
 * [columns, depth]. `more`: the sums start from c instead. To share the rows among threads, give each its part of a and c.
 */
export function matMul(
  a: usize, aStride: i32, across: bool, b: usize, bStride: i32, along: bool, c: usize, cStride: i32,
  rows: i32, columns: i32, depth: i32, start: usize, more: bool, factor: f32, scratch: usize,
): void {
  const aStep = <usize>aStride << 2;
  const bStep = <usize>bStride << 2;
  const cStep = <usize>cStride << 2;
  // Bytes from row to row of a, from k to k of a and b, from column to column of b.
  const aRow = across ? <usize>4 : aStep;
  const aDepth = across ? aStep : <usize>4;
  const bDepth = along ? <usize>4 : bStep;
  const bColumn = along ? bStep : <usize>4;

  if (rows < 4 && !along) {
    for (let r = 0; r < rows; r++, a += aRow, c += cStep) {
      rowProduct(a, aDepth, b, bDepth, c, columns, depth, start, more, factor);
    }
    return;
  }

  const part = depthOf(depth);
  const block = blockRows(rows, part);
  const panel = scratch + PANEL_AT;
  const tiles = scratch + TILES_AT;
  const tileBytes = <usize>part * TILE_STEP;

  let k = 0;
  do {
    const steps = min<i32>(part, depth - k);
    const finish: f32 = k + part >= depth ? factor : 1;
    const goOn = more || k > 0;
    for (let top = 0; top < rows; top += block) {
      const height = min<i32>(block, rows - top);
      for (let r = 0; r < height; r += 4) {
        const from = a + <usize>(top + r) * aRow + <usize>k * aDepth;
        pack4(from, aStep, across, height - r, steps, tiles + <usize>(r >> 2) * tileBytes, TILE_STEP);
      }
      for (let left = 0; left < columns; left += 8) {
        const width = min<i32>(8, columns - left);
        const from = b + <usize>k * bDepth + <usize>left * bColumn;
        const second = min<i32>(4, width - 1);
        pack4(from, bStep, !along, width, steps, panel, PANEL_STEP);
        pack4(from + <usize>second * bColumn, bStep, !along, width - second, steps, panel + 16, PANEL_STEP);
        startPanel(start, left, width, scratch + START_AT);
        let to = c + <usize>top * cStep + (<usize>left << 2);
        for (let r = 0; r < height; r += 4, to += 4 * cStep) {
          const x = tiles + <usize>(r >> 2) * tileBytes;
          if (width == 8 && r + 4 <= height) {
            if (goOn) tile(x, panel, steps, to, cStep, to, cStep, finish);
            else tile(x, panel, steps, scratch + START_AT, 0, to, cStep, finish);
          } else {
            edge(x, panel, steps, to, cStep, min<i32>(4, height - r), width, goOn, finish, scratch);
          }
        }
      }
    }
    k += part;
  } while (k < depth);
}

function startPanel(start: usize, left: i32, width: i32, to: usize): void {
  v128.store(to, i64x2.splat(0));
  v128.store(to, i64x2.splat(0), 16);
  if (start != 0) memory.copy(to, start + (<usize>left << 2), <usize>width << 2);
}

/** A tile of which only some rows and columns are wanted. */
function edge(
  x: usize, panel: usize, steps: i32, to: usize, cStep: usize, rows: i32, columns: i32, goOn: bool, finish: f32, scratch: usize,
): void {
  const sums = scratch + SUMS_AT;
  if (goOn) for (let r = 0; r < rows; r++) copy(to + <usize>r * cStep, sums + (<usize>r << 5), columns);
  const from = goOn ? sums : scratch + START_AT;
  tile(x, panel, steps, from, goOn ? 32 : 0, sums, 32, finish);
  for (let r = 0; r < rows; r++) copy(sums + (<usize>r << 5), to + <usize>r * cStep, columns);
}

function copy(from: usize, to: usize, count: i32): void {
  for (let i = 0; i < count; i++, from += 4, to += 4) store<f32>(to, load<f32>(from));
}
