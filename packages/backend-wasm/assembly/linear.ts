import { Epilogue } from './epilogue';
import { blockRows, EPILOGUE_AT, product, productScratch, TILES_AT } from './product';
import { fillTiles } from './tile';

export function linearScratch(inputs: i32, rows: i32): usize {
  return productScratch(inputs, rows);
}

/**
 * CqLinear on x [rows, inputs] and a weight of int8 panels. `kind` is one of those in epilogue.ts, `low` and `high` are the
 * bounds of its codes less their zero point, `table` the address of its entry of index 0.
 */
export function linear(
  x: usize, rows: i32, inputs: i32, w: usize, outputs: i32, bias: usize, multiplier: usize,
  kind: i32, low: f32, high: f32, zeroPoint: i32, table: usize,
  residual: usize, residualMultiplier: f32, residualZeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = kind;
  e.multiplier = multiplier;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.table = table;
  e.residual = residual;
  e.residualMultiplier = residualMultiplier;
  e.residualZeroPoint = residualZeroPoint;
  e.y = y;
  e.stride = outputs;
  e.wide = wide;
  const block = blockRows(inputs, rows);
  for (let first = 0; first < rows; first += block) {
    const count = min<i32>(block, rows - first);
    fillTiles(x + <usize>first * <usize>inputs, inputs, count, inputs, scratch + TILES_AT);
    product(scratch, first, count, inputs, w, bias, outputs);
  }
}
