import { CODES, Epilogue, RAW, SHIFT_ADD_INT8, SHIFT_ADD_SINGLE, SHIFT_CODES, SHIFT_TABLE, TABLE } from './epilogue';
import { allRows } from './linear';
import { EPILOGUE_AT, productScratch } from './product';
import { fillFactors, fillSingles, fillSummands } from './shift-epilogue';

/** Behind the scratch of the product: the factors of sums and residuals, float64 [outputs] each. */
export function shiftLinearScratch(inputs: i32, bits: i32, rows: i32, outputs: i32): usize {
  return factorsAt(inputs, bits, rows) + (<usize>outputs << 4);
}

function factorsAt(inputs: i32, bits: i32, rows: i32): usize {
  return (productScratch(inputs, bits, rows) + 15) & ~15;
}

/** CqShiftLinear; `kind`, `low`, `high` and `table` as in `linear`. Exponents: int32 [outputs]. */
export function shiftLinear(
  x: usize, rows: i32, inputs: i32, w: usize, bits: i32, outputs: i32, bias: usize, unit: usize, exponent: usize,
  kind: i32, low: f32, high: f32, table: usize, residual: usize, residualExponent: usize, y: usize, wide: bool, scratch: usize,
): void {
  const factors = scratch + factorsAt(inputs, bits, rows);
  const residualFactors = factors + (<usize>outputs << 3);
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = kind;
  e.multiplier = factors;
  e.low = low;
  e.high = high;
  e.table = table;
  e.tableOutputs = outputs;
  e.tableBytes = 0;
  e.residual = residual;
  e.residualFactors = residualFactors;
  e.y = y;
  e.stride = outputs;
  e.wide = wide;
  e.zeroPoint = 0;
  const plain = kind == SHIFT_CODES || kind == SHIFT_TABLE;
  if (plain && fillSingles(unit, exponent, outputs, low, factors)) e.kind = kind == SHIFT_TABLE ? TABLE : CODES;
  else if (kind == SHIFT_ADD_INT8 && fillSummands(unit, residualExponent, exponent, outputs, low, factors, residualFactors)) {
    e.kind = SHIFT_ADD_SINGLE;
  } else {
    if (kind != RAW) fillFactors(unit, exponent, outputs, factors);
    if (residual != 0) fillFactors(residualExponent, exponent, outputs, residualFactors);
  }
  allRows(x, rows, inputs, w, bits, outputs, bias, scratch);
}
