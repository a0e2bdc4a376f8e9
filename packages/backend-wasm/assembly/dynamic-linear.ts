import { RAW } from './epilogue';
import { linear, linearScratch } from './linear';
import { quantize } from './quantize';

/** Scratch memory: int32 zeros `[outputs]`, the scale and the codes of each row, what the product takes. */
export function dynamicLinearScratch(inputs: i32, bits: i32, outputs: i32, rows: i32): usize {
  return productAt(inputs, outputs, rows) + linearScratch(inputs, bits, rows);
}

@inline
function productAt(inputs: i32, outputs: i32, rows: i32): usize {
  return ((<usize>outputs + <usize>rows) * 4 + <usize>rows * <usize>inputs + 63) & ~63;
}

/** CqDynamicLinear on x float32 [rows, inputs]; `low` and `high` are the bounds of its codes. */
export function dynamicLinear(
  x: usize, rows: i32, inputs: i32, low: f32, high: f32, w: usize, bits: i32, outputs: i32, scale: usize, bias: usize,
  y: usize, scratch: usize,
): void {
  const scales = scratch + (<usize>outputs << 2);
  const codes = scales + (<usize>rows << 2);
  const product = scratch + productAt(inputs, outputs, rows);
  memory.fill(scratch, 0, <usize>outputs << 2);
  quantizeRows(x, rows, inputs, low, high, codes, scales);
  linear(codes, rows, inputs, w, bits, outputs, scratch, 0, RAW, 0, 0, 0, 0, outputs, 0, 0, 0, 0, y, true, product);
  scaleRows(y, rows, outputs, scales, scale, bias);
}

/** 2^-100, below which rows count as zeros. */
const SMALLEST: f32 = 7.888609052210118e-31;

/**
 * The codes of each row of x [rows, inputs] in units of its own scale, whose largest value gets the code `high`. NaN counts as
 * zero.
 */
function quantizeRows(x: usize, rows: i32, inputs: i32, low: f32, high: f32, codes: usize, scales: usize): void {
  for (let row = 0; row < rows; row++, x += <usize>inputs << 2, codes += inputs, scales += 4) {
    const scale = rowScale(x, inputs, high);
    store<f32>(scales, scale);
    quantize(x, inputs, scale, low, high, 0, codes, false);
  }
}

function rowScale(x: usize, inputs: i32, high: f32): f32 {
  let largest4 = f32x4.splat(0);
  let k = 0;
  for (; k + 4 <= inputs; k += 4, x += 16) largest4 = f32x4.pmax(largest4, f32x4.abs(v128.load(x)));
  let largest = larger(
    larger(f32x4.extract_lane(largest4, 0), f32x4.extract_lane(largest4, 1)),
    larger(f32x4.extract_lane(largest4, 2), f32x4.extract_lane(largest4, 3)),
  );
  for (; k < inputs; k++, x += 4) largest = larger(largest, abs<f32>(load<f32>(x)));
  const scale = largest / high;
  return scale > SMALLEST && scale < <f32>Infinity ? scale : SMALLEST;
}

/** The first where the second is NaN. */
@inline
function larger(a: f32, b: f32): f32 {
  return b > a ? b : a;
}

/** y [rows, outputs], int32 sums, become fround(fround(sum) · fround(scales[row] · scale[n])) + bias[n], in place. */
function scaleRows(y: usize, rows: i32, outputs: i32, scales: usize, scale: usize, bias: usize): void {
  for (let row = 0; row < rows; row++, scales += 4) {
    const step = load<f32>(scales);
    const steps = f32x4.splat(step);
    let n = 0;
    for (; n + 4 <= outputs; n += 4, y += 16) {
      const at = <usize>n << 2;
      const factor = f32x4.mul(steps, v128.load(scale + at));
      const product = f32x4.mul(f32x4.convert_i32x4_s(v128.load(y)), factor);
      v128.store(y, f32x4.add(product, v128.load(bias + at)));
    }
    for (; n < outputs; n++, y += 4) {
      const at = <usize>n << 2;
      store<f32>(y, <f32>load<i32>(y) * (step * load<f32>(scale + at)) + load<f32>(bias + at));
    }
  }
}
