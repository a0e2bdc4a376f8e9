import { Epilogue } from './epilogue';
import { blockRows, EPILOGUE_AT, fillTile, product, productScratch } from './product';

export function linearScratch(inputs: i32, bits: i32, rows: i32): usize {
  return productScratch(inputs, bits, rows);
}

/**
 * CqLinear on x [rows, inputs] and a weight whose codes are stored in `bits`. `kind` is one of those in epilogue.ts, `low` and `high` are the
 * bounds of its codes less their zero point, `table` the address of its entry of index 0; every `tableOutputs` outputs have their own,
 * `tableBytes` behind the one before.
 */
export function linear(
  x: usize, rows: i32, inputs: i32, w: usize, bits: i32, outputs: i32, bias: usize, multiplier: usize,
  kind: i32, low: f32, high: f32, zeroPoint: i32, table: usize, tableOutputs: i32, tableBytes: i32,
  residual: usize, residualMultiplier: f32, residualZeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = kind;
  e.multiplier = multiplier;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.table = table;
  e.tableOutputs = tableOutputs;
  e.tableBytes = tableBytes;
  e.residual = residual;
  e.residualMultiplier = residualMultiplier;
  e.residualZeroPoint = residualZeroPoint;
  e.y = y;
  e.stride = outputs;
  e.wide = wide;
  allRows(x, rows, inputs, w, bits, outputs, bias, scratch);
}

/** The epilogue stands in `scratch`. */
export function allRows(
  x: usize, rows: i32, inputs: i32, w: usize, bits: i32, outputs: i32, bias: usize, scratch: usize,
): void {
  const block = blockRows(inputs, bits, rows);
  for (let first = 0; first < rows; first += block) {
    const count = min<i32>(block, rows - first);
    for (let row = 0; row < count; row++, x += inputs) fillTile(x, inputs, bits, row, scratch);
    product(scratch, first, count, inputs, w, bias, outputs, bits);
  }
}
