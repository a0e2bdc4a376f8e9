import { PAIR } from './tile';
import { pairsOf, panelBytes, unpackedBytes } from './unpack';

/** Bytes of 8 float32. */
const LINE: usize = 32;

/** Scratch memory: the scales of a group, the bias of a panel, its floats `[2 · pairs][8]`, its unpacked codes. */
export function floatLinearScratch(inputs: i32, bits: i32): usize {
  return 2 * LINE + floatBytes(inputs) + unpackedBytes(inputs, bits);
}

@inline
function floatBytes(inputs: i32): usize {
  return <usize>((inputs + 1) >> 1) * 2 * LINE;
}

/**
 * CqFloatLinear on x float32 [rows, inputs]. Each panel of 8 outputs is decoded once, then meets all rows, 4 at a time; lanes run
 * across outputs, so that every sum is taken in the order of the definition.
 */
export function floatLinear(
  x: usize, rows: i32, inputs: i32, w: usize, bits: i32, outputs: i32, scale: usize, group: i32, bias: usize, y: usize,
  scratch: usize,
): void {
  const pairs = (inputs + 1) >> 1;
  const groups = (inputs + group - 1) / group;
  const biases = scratch + LINE;
  const panel = scratch + 2 * LINE;
  for (let column = 0; column < outputs; column += 8, w += panelBytes(inputs, bits)) {
    const columns = min<i32>(8, outputs - column);
    for (let n = 0; n < 8; n++) {
      store<f32>(biases + (<usize>n << 2), n < columns ? load<f32>(bias + (<usize>(column + n) << 2)) : 0);
    }
    const codes = pairsOf(w, inputs, bits, panel + floatBytes(inputs));
    decodePanel(codes, pairs, scale + (<usize>column * <usize>groups << 2), columns, groups, group, scratch, panel);
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      multiply4(x + (<usize>row * <usize>inputs << 2), inputs, panel, biases, at(y, row, outputs, column), outputs, columns);
    }
    for (; row < rows; row++) {
      multiply1(x + (<usize>row * <usize>inputs << 2), inputs, panel, biases, at(y, row, outputs, column), columns);
    }
  }
}

@inline
function at(y: usize, row: i32, outputs: i32, column: i32): usize {
  return y + ((<usize>row * <usize>outputs + <usize>column) << 2);
}

/** Codes of a panel → floats. `scales` is scratch for the 8 of a group. */
function decodePanel(w: usize, pairs: i32, scale: usize, columns: i32, groups: i32, group: i32, scales: usize, to: usize): void {
  const share = (group + 1) >> 1;
  for (let g = 0, pair = 0; g < groups; g++) {
    for (let n = 0; n < 8; n++) {
      store<f32>(scales + (<usize>n << 2), n < columns ? load<f32>(scale + (<usize>(n * groups + g) << 2)) : 0);
    }
    const s0 = v128.load(scales);
    const s1 = v128.load(scales, 16);
    for (const end = min<i32>(pairs, pair + share); pair < end; pair++, w += PAIR, to += 2 * LINE) {
      const c0 = v128.load8x8_s(w);
      const c1 = v128.load8x8_s(w, 8);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(c0, 16), 16)), s0));
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(c1, 16), 16)), s1), 16);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(c0, 16)), s0), 32);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(c1, 16)), s1), 48);
    }
  }
}

function multiply4(x: usize, inputs: i32, panel: usize, bias: usize, y: usize, outputs: i32, columns: i32): void {
  const stride = <usize>inputs << 2;
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  for (let k: usize = 0; k < stride; k += 4, panel += LINE) {
    const w0 = v128.load(panel);
    const w1 = v128.load(panel, 16);
    let splat = v128.load32_splat(x + k);
    a0 = f32x4.add(a0, f32x4.mul(splat, w0));
    a1 = f32x4.add(a1, f32x4.mul(splat, w1));
    splat = v128.load32_splat(x1 + k);
    b0 = f32x4.add(b0, f32x4.mul(splat, w0));
    b1 = f32x4.add(b1, f32x4.mul(splat, w1));
    splat = v128.load32_splat(x2 + k);
    c0 = f32x4.add(c0, f32x4.mul(splat, w0));
    c1 = f32x4.add(c1, f32x4.mul(splat, w1));
    splat = v128.load32_splat(x3 + k);
    d0 = f32x4.add(d0, f32x4.mul(splat, w0));
    d1 = f32x4.add(d1, f32x4.mul(splat, w1));
  }
  const next = <usize>outputs << 2;
  finish(a0, a1, bias, y, columns);
  finish(b0, b1, bias, y + next, columns);
  finish(c0, c1, bias, y + 2 * next, columns);
  finish(d0, d1, bias, y + 3 * next, columns);
}

function multiply1(x: usize, inputs: i32, panel: usize, bias: usize, y: usize, columns: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  for (const end = x + (<usize>inputs << 2); x < end; x += 4, panel += LINE) {
    const splat = v128.load32_splat(x);
    a0 = f32x4.add(a0, f32x4.mul(splat, v128.load(panel)));
    a1 = f32x4.add(a1, f32x4.mul(splat, v128.load(panel, 16)));
  }
  finish(a0, a1, bias, y, columns);
}

/** Adds the bias and stores the sums of the columns that there are. */
function finish(low: v128, high: v128, bias: usize, y: usize, columns: i32): void {
  const first = f32x4.add(low, v128.load(bias));
  const second = f32x4.add(high, v128.load(bias, 16));
  if (columns == 8) {
    v128.store(y, first);
    v128.store(y, second, 16);
    return;
  }
  if (columns > 0) store<f32>(y, f32x4.extract_lane(first, 0));
  if (columns > 1) store<f32>(y, f32x4.extract_lane(first, 1), 4);
  if (columns > 2) store<f32>(y, f32x4.extract_lane(first, 2), 8);
  if (columns > 3) store<f32>(y, f32x4.extract_lane(first, 3), 12);
  if (columns > 4) store<f32>(y, f32x4.extract_lane(second, 0), 16);
  if (columns > 5) store<f32>(y, f32x4.extract_lane(second, 1), 20);
  if (columns > 6) store<f32>(y, f32x4.extract_lane(second, 2), 24);
}
