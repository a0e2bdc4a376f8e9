import { codeAt, loadCode, loadCodes4, storeCode, storeCodes8 } from './codes';
import { encode1, encode4, offsetOf } from './round';

/** What becomes of an accumulator. */
export const RAW = 0;
export const CODES = 1;
export const TABLE = 2;
/** Added before rounding: codes in int8, codes in int32, numbers in float32. */
export const ADD_INT8 = 3;
export const ADD_INT32 = 4;
export const ADD_FLOAT = 5;
/** Those of power-of-two models, in shift-epilogue.ts; what is added are codes or integers. */
export const SHIFT_CODES = 6;
export const SHIFT_TABLE = 7;
export const SHIFT_ADD_INT8 = 8;
export const SHIFT_ADD_INT32 = 9;
/** Codes in int8 where float32 does for both shifts. */
export const SHIFT_ADD_SINGLE = 10;

/** Bytes that an epilogue takes in scratch memory. */
export const EPILOGUE: usize = 64;

/** The way from int32 sums to stored codes: a view on scratch memory, never allocated. */
@unmanaged
export class Epilogue {
  kind: i32;
  /** float32 [outputs]; of shifts float64, unless they are single */
  multiplier: usize;
  /** Bounds of the codes (of the table's index) less the zero point. */
  low: f32;
  high: f32;
  zeroPoint: i32;
  /** Address of the entry of index 0, of the first outputs' table. */
  table: usize;
  /** [rows, outputs] */
  residual: usize;
  residualMultiplier: f32;
  residualZeroPoint: i32;
  /** [rows, ..]: codes, `stride` of them from row to row. */
  y: usize;
  stride: i32;
  wide: bool;
  /** float64 [outputs], of shifts; float32 where they are single */
  residualFactors: usize;
  /** Outputs that share a table, a multiple of 8, and its bytes. */
  tableOutputs: i32;
  tableBytes: i32;
}

/** Address of the entry of index 0 in the table of an output. */
// @ts-ignore: decorator
@inline
function tableOf(e: Epilogue, output: i32): usize {
  return e.table + <usize>(output / e.tableOutputs * e.tableBytes);
}

/** Finishes a tile of `rows` × `columns` sums, whose first is `[row, column]` of y. `outputs` are the columns of residual. */
export function finishTile(e: Epilogue, sums: usize, row: i32, rows: i32, column: i32, columns: i32, outputs: i32): void {
  if (columns < 8) {
    for (let r = 0; r < rows; r++) finishTail(e, sums + (<usize>r << 5), row + r, column, columns, outputs);
    return;
  }
  const kind = e.kind;
  const wide = e.wide;
  const stride = e.stride;
  let y = codeAt(e.y, row * stride + column, wide);
  const step = codeAt(0, stride, wide);
  if (kind == RAW) {
    for (let r = 0; r < rows; r++, sums += 32, y += step) storeCodes8(y, v128.load(sums), v128.load(sums, 16), true);
    return;
  }
  const multiplier = e.multiplier + (<usize>column << 2);
  const m0 = v128.load(multiplier);
  const m1 = v128.load(multiplier, 16);
  const low = f32x4.splat(e.low);
  const high = f32x4.splat(e.high);
  const offset = i32x4.splat(offsetOf(e.zeroPoint));
  if (kind == CODES) {
    for (let r = 0; r < rows; r++, sums += 32, y += step) {
      const r0 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), m0);
      const r1 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), m1);
      storeCodes8(y, encode4(r0, low, high, offset), encode4(r1, low, high, offset), wide);
    }
  } else if (kind == TABLE) {
    const table = tableOf(e, column);
    for (let r = 0; r < rows; r++, sums += 32, y += step) {
      const r0 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), m0);
      const r1 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), m1);
      const i0 = encode4(r0, low, high, offset);
      const i1 = encode4(r1, low, high, offset);
      let codes = i64x2.splat(0);
      codes = v128.load8_lane(table + i32x4.extract_lane(i0, 0), codes, 0);
      codes = v128.load8_lane(table + i32x4.extract_lane(i0, 1), codes, 1);
      codes = v128.load8_lane(table + i32x4.extract_lane(i0, 2), codes, 2);
      codes = v128.load8_lane(table + i32x4.extract_lane(i0, 3), codes, 3);
      codes = v128.load8_lane(table + i32x4.extract_lane(i1, 0), codes, 4);
      codes = v128.load8_lane(table + i32x4.extract_lane(i1, 1), codes, 5);
      codes = v128.load8_lane(table + i32x4.extract_lane(i1, 2), codes, 6);
      codes = v128.load8_lane(table + i32x4.extract_lane(i1, 3), codes, 7);
      v128.store64_lane(y, codes, 0);
    }
  } else {
    const residualWide = kind != ADD_INT8;
    let residual = codeAt(e.residual, row * outputs + column, residualWide);
    const residualStep = codeAt(0, outputs, residualWide);
    const residualZero = i32x4.splat(e.residualZeroPoint);
    const residualMultiplier = f32x4.splat(e.residualMultiplier);
    for (let r = 0; r < rows; r++, sums += 32, y += step, residual += residualStep) {
      let s0: v128;
      let s1: v128;
      if (kind == ADD_FLOAT) {
        s0 = v128.load(residual);
        s1 = v128.load(residual, 16);
      } else {
        const c0 = loadCodes4(residual, residualWide);
        const c1 = loadCodes4(codeAt(residual, 4, residualWide), residualWide);
        s0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(c0, residualZero)), residualMultiplier);
        s1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(c1, residualZero)), residualMultiplier);
      }
      const r0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), m0), s0);
      const r1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), m1), s1);
      storeCodes8(y, encode4(r0, low, high, offset), encode4(r1, low, high, offset), wide);
    }
  }
}

/** A row of fewer than 8 sums, one by one. */
function finishTail(e: Epilogue, sums: usize, row: i32, column: i32, columns: i32, outputs: i32): void {
  for (let n = column; n < column + columns; n++, sums += 4) {
    const sum = load<i32>(sums);
    const y = codeAt(e.y, row * e.stride + n, e.wide);
    if (e.kind == RAW) {
      store<i32>(y, sum);
      continue;
    }
    let r = <f32>sum * load<f32>(e.multiplier + (<usize>n << 2));
    if (e.kind == ADD_FLOAT) {
      r += load<f32>(codeAt(e.residual, row * outputs + n, true));
    } else if (e.kind >= ADD_INT8) {
      const wide = e.kind == ADD_INT32;
      const code = loadCode(codeAt(e.residual, row * outputs + n, wide), wide);
      r += <f32>(code - e.residualZeroPoint) * e.residualMultiplier;
    }
    const code = encode1(r, e.low, e.high, e.zeroPoint);
    storeCode(y, e.kind == TABLE ? <i32>load<i8>(tableOf(e, n) + code) : code, e.wide);
  }
}
